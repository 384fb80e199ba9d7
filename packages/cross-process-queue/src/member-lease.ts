import type { NackOptions } from "@ringrift/event-queue";
import { type LeaseOperations, leaseOperationsOf } from "@ringrift/event-queue/backend";
import type { CommitOptions } from "./write-transaction.ts";
import type { QueueInstance } from "./instance.ts";
import type { LeaseHandle } from "./lease.ts";

/** Losing a lease or an ack in a power cut means another delivery, which is what at least once allows. */
export const LOSABLE: CommitOptions = { durable: false };
const ACK: CommitOptions = { ...LOSABLE, deferred: true };

/** The lease that a member has on one event. */
export class MemberLease implements LeaseOperations {
  readonly handle: LeaseHandle;
  readonly #instance: QueueInstance;
  #isSettled = false;

  /** The one that an event was delivered with. */
  static of(event: object): MemberLease | undefined {
    const operations = leaseOperationsOf(event);
    return operations instanceof MemberLease ? operations : undefined;
  }

  constructor(instance: QueueInstance, handle: LeaseHandle) {
    this.#instance = instance;
    this.handle = handle;
  }

  /** Its ack was part of its handler's transaction. */
  noteSettled(): void {
    this.#isSettled = true;
  }

  async ack(): Promise<boolean> {
    if (this.#isSettled) return true;
    return (await this.#instance.write(({ leases }, tx) => leases.ack(tx, this.handle), ACK)).held;
  }

  nack(options: NackOptions): Promise<boolean> {
    return this.#instance.write(({ leases }, tx) => leases.nack(tx, this.handle, options), LOSABLE);
  }

  extend(ms: number): Promise<number | false> {
    return this.#instance.write(({ leases }, tx) => leases.extend(tx, this.handle, ms), LOSABLE);
  }
}
