/** Longer than it should take to work off what was leased ahead, and short enough not to be missed by others. */
const LONGEST_MS = 20;
/** After a handler, a round that took so long isn't gone on with: what is leased ahead should take half of it. */
const LATE_MS = 10;

/**
 * The time in which a member works off what it leased ahead of its handlers. Acks wait for its end, so that they
 * share a transaction with one another and with the next claim.
 */
export class AckRound {
  readonly #onLate: () => void;
  #over: PromiseWithResolvers<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beganAt = 0;

  /** `onLate` is called when a round takes longer than 20 ms; it has ended by then. */
  constructor(onLate: () => void) {
    this.#onLate = onLate;
  }

  /** Resolves at the end of this round; `undefined` when there is none. */
  get over(): Promise<void> | undefined {
    return this.#over?.promise;
  }

  /** Whether it takes so long that it should end now. A timer can't tell: handlers of pure CPU let none run. */
  get isLate(): boolean {
    return this.#over !== undefined && performance.now() - this.#beganAt > LATE_MS;
  }

  begin(): void {
    this.end();
    this.#beganAt = performance.now();
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
