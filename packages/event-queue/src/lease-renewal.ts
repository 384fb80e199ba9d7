/** Renews leases every third of their length, so that two renewals may fail before one runs out. */
export class LeaseRenewal {
  readonly #renewals: (leaseMs: number) => Promise<void>[];
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  /** `renewals` begins one renewal for each lease that is held at the time. */
  constructor(renewals: (leaseMs: number) => Promise<void>[], onError: (error: unknown) => void) {
    this.#renewals = renewals;
    this.#onError = onError;
  }

  /** Idempotent. Its timer doesn't keep the process alive. */
  start(leaseMs: number): void {
    this.#timer ??= setInterval(
      () => void this.#renewAll(leaseMs),
      Math.max(1, Math.floor(leaseMs / 3)),
    ).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Reports at most one failure a round: they have one cause. */
  async #renewAll(leaseMs: number): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const results = await Promise.allSettled(this.#renewals(leaseMs));
    this.#busy = false;
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined && this.#timer !== undefined) this.#onError(failed.reason);
  }
}
