/**
 * The server's time, by which instances on several hosts agree: set from one moment of the server, and run on
 * by the monotone clock, so that nobody who sets a host's clock changes it.
 */
export class ServerClock {
  /** Server time minus the monotone clock. */
  #offset = Date.now() - performance.now();
  /** By how much the offset may be wrong, in ms either way. */
  #error = 0;

  /** Ms since the epoch. */
  now(): number {
    return Math.round(this.#offset + performance.now());
  }

  /** No later than the server's time: what is due by it is due. */
  earliest(): number {
    return Math.floor(this.#offset - this.#error + performance.now());
  }

  /** No earlier than the server's time: what is reckoned from it is never too early. */
  latest(): number {
    return Math.ceil(this.#offset + this.#error + performance.now());
  }

  /** @param serverTime - what the server's clock showed between `before` and `after` on the monotone clock */
  set(serverTime: number, before: number, after: number): void {
    this.#offset = serverTime - (before + after) / 2;
    // The server's time is cut to whole milliseconds.
    this.#error = (after - before) / 2 + 1;
  }
}
