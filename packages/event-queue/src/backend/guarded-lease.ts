import { storedError } from "../failures/error-data.ts";
import type { NackOptions } from "../contract/events.ts";
import { leaseOperationsOf } from "../leasing/leased-record.ts";
import type { BackendLease } from "./queue-backend.ts";
import type { QueueInstance } from "./queue-instance.ts";

/** A backend's lease whose calls are calls of the instance: refused when that is closed, and waited for by `close`. */
export class GuardedLease implements BackendLease {
  readonly inner: BackendLease;
  readonly #instance: QueueInstance;

  /** The lease that an event was delivered with; `undefined` for any other object, copies included. */
  static of(event: object): GuardedLease | undefined {
    const operations = leaseOperationsOf(event);
    return operations instanceof GuardedLease ? operations : undefined;
  }

  /** On the monotone clock: where the lease doesn't know better. */
  #holdsUntil: number;

  constructor(instance: QueueInstance, inner: BackendLease, leaseMs: number) {
    this.#instance = instance;
    this.inner = inner;
    this.#holdsUntil = inner.leftMs === undefined ? performance.now() + leaseMs : 0;
  }

  leftMs(): number {
    return this.inner.leftMs?.() ?? this.#holdsUntil - performance.now();
  }

  ack(): Promise<boolean> {
    return this.#instance.write(() => this.inner.ack());
  }

  nack(options: NackOptions): Promise<boolean> {
    const reason = storedError(options.reason, this.#instance.redactError);
    return this.#instance.write(() => this.inner.nack({ ...options, reason }));
  }

  async extend(ms: number): Promise<number | false> {
    const askedAt = performance.now();
    const until = await this.#instance.write(() => this.inner.extend(ms));
    if (until !== false) this.#holdsUntil = askedAt + ms;
    return until;
  }

  release(): Promise<unknown> {
    return this.#instance.write(() => this.inner.release());
  }
}
