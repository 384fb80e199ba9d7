/**
 * What one claim holds back: events that wait for an earlier one of their key. Nothing is settled while a claim goes on,
 * so that a key it has found busy stays so, and all that it holds back is written at its end, in one statement a key.
 */
export class HeldEvents {
  readonly #byKey = new Map<string, number[]>();

  /** Whether the key is known to be busy. */
  isBusy(key: string): boolean {
    return this.#byKey.has(key);
  }

  noteBusy(key: string): void {
    if (!this.#byKey.has(key)) this.#byKey.set(key, []);
  }

  /** `key` is known to be busy. */
  hold(key: string, position: number): void {
    this.#byKey.get(key)?.push(position);
  }

  /** What is held back, by key; each is given once. */
  *take(): Generator<readonly [key: string, positions: readonly number[]]> {
    for (const [key, positions] of this.#byKey) {
      if (positions.length > 0) yield [key, positions.splice(0)];
    }
  }
}
