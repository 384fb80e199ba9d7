/** Gives events back in the order in which a member does so, or others would get them in another one. */
export class ReleaseOrder {
  #last: Promise<unknown> = Promise.resolve();

  /** Begins when those before are done, or have failed. */
  next<T>(release: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(release);
    this.#last = mine.catch(() => {});
    return mine;
  }
}
