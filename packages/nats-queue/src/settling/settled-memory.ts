/** How many events are remembered: some seconds' worth at full speed. */
const MOST = 20_000;

/**
 * What this process has settled lately. A server that is killed forgets acks it had confirmed but not yet written,
 * and delivers their events again: who settled them knows better. By id, since a position may be given anew after
 * a power cut.
 */
export class SettledMemory {
  readonly #settled = new Set<string>();

  add(incarnation: string, id: string): void {
    this.#settled.add(`${incarnation} ${id}`);
    if (this.#settled.size <= MOST) return;
    const [oldest] = this.#settled;
    if (oldest !== undefined) this.#settled.delete(oldest);
  }

  has(incarnation: string, id: string): boolean {
    return this.#settled.has(`${incarnation} ${id}`);
  }
}
