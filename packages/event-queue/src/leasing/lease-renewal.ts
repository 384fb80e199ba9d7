/** Renews leases every third of their length, so that two renewals may fail before one runs out. */
export class LeaseRenewal {
  readonly #renewals: (leaseMs: number) => Promise<void>[];
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #leaseMs = 0;
  #underWay: Promise<void> | undefined;

  /** `renewals` begins one renewal for each lease that is held at the time. */
  constructor(renewals: (leaseMs: number) => Promise<void>[], onError: (error: unknown) => void) {
    this.#renewals = renewals;
    this.#onError = onError;
  }

  /** Idempotent. Its timer doesn't keep the process alive. */
  start(leaseMs: number): void {
    if (this.#timer !== undefined) return;
    this.#leaseMs = leaseMs;
    const everyMs = Math.max(1, Math.floor(leaseMs / 3));
    this.#timer = setInterval(() => void this.renewNow(), everyMs).unref();
  }

  /** Whether a lease that holds for so much longer should have been renewed by now: the event loop stood still. */
  isOverdue(leftMs: number): boolean {
    return leftMs < this.#leaseMs / 2;
  }

  /** Renews all leases; calls that overlap share one renewal. Never rejects. */
  renewNow(): Promise<void> {
    this.#underWay ??= this.#renewAll().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Reports at most one failure a round: they have one cause. */
  async #renewAll(): Promise<void> {
    const results = await Promise.allSettled(this.#renewals(this.#leaseMs));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined && this.#timer !== undefined) this.#onError(failed.reason);
  }
}
