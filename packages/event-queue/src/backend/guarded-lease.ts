import type { NackOptions } from "../events.ts";
import { leaseOperationsOf } from "../leased-record.ts";
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

  constructor(instance: QueueInstance, inner: BackendLease) {
    this.#instance = instance;
    this.inner = inner;
  }

  ack(): Promise<boolean> {
    return this.#instance.write(() => this.inner.ack());
  }

  nack(options: NackOptions): Promise<boolean> {
    return this.#instance.write(() => this.inner.nack(options));
  }

  extend(ms: number): Promise<number | false> {
    return this.#instance.write(() => this.inner.extend(ms));
  }

  release(): Promise<unknown> {
    return this.#instance.write(() => this.inner.release());
  }
}
