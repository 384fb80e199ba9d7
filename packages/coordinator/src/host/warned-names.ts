/** Most names to remember: they may come from outside. */
const MOST = 1000;

/** The names that were warned of. */
export class WarnedNames {
  readonly #names = new Set<string>();

  /** Whether to warn of a name: once each, and of no more when it has remembered as many as it does. */
  add(name: string): boolean {
    if (this.#names.has(name) || this.#names.size >= MOST) return false;
    this.#names.add(name);
    return true;
  }
}
