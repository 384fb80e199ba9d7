/** One event's turn among those that are given back. */
export interface ReleaseTurn {
  /** Those before it have been sent to the server, or won't be. */
  readonly come: Promise<void>;
  /** To be called when this one has been sent. */
  readonly sent: () => void;
}

/**
 * Gives events back in the order in which a member does so, or others would get them in another one. What is noted of each
 * before may be written at the same time, and nobody waits for an answer to those before it.
 */
export class ReleaseOrder {
  #last: Promise<void> = Promise.resolve();

  /** Begins at once; what it tells the server waits for its turn. */
  next<T>(release: (turn: ReleaseTurn) => Promise<T>): Promise<T> {
    const come = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    // It may have nothing to say.
    return release({ come, sent: resolve }).finally(resolve);
  }
}
