/**
 * The server's time, by which instances on several hosts agree: set from one moment of the server, and run on
 * by the monotone clock, so that nobody who sets a host's clock changes it.
 */
export class ServerClock {
  /** Server time minus the monotone clock. */
  #offset = Date.now() - performance.now();

  /** Ms since the epoch. */
  now(): number {
    return Math.round(this.#offset + performance.now());
  }

  /** @param serverTime - what the server's clock showed between `before` and `after` on the monotone clock */
  set(serverTime: number, before: number, after: number): void {
    this.#offset = serverTime - (before + after) / 2;
  }
}
