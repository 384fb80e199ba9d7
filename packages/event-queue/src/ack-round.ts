/** Longer than it should take to work off what was leased ahead, and short enough not to be missed by others. */
const LONGEST_MS = 20;

/**
 * The time in which a member works off what it leased ahead of its handlers. Acks wait for its end, so that they
 * share a transaction with one another and with the next claim.
 */
export class AckRound {
  readonly #onLate: () => void;
  #over: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `onLate` is called when a round takes longer than 20 ms; it has ended by then. */
  constructor(onLate: () => void) {
    this.#onLate = onLate;
  }

  /** Resolves at the end of this round; `undefined` when there is none. */
  get over(): Promise<void> | undefined {
    return this.#over?.promise;
  }

  begin(): void {
    this.end();
    this.#over = Promise.withResolvers();
    this.#timer = setTimeout(() => {
      this.end();
      this.#onLate();
    }, LONGEST_MS);
  }

  /** Idempotent. */
  end(): void {
    clearTimeout(this.#timer);
    this.#over?.resolve();
    this.#over = undefined;
  }
}
