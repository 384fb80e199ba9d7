import type { NackOptions } from "@ringrift/event-queue";
import type { BackendLease, GivenGroupPolicy } from "@ringrift/event-queue/backend";
import type { CommitOptions, WriteTransaction } from "../commit/write-transaction.ts";
import type { Engine } from "../engine/engine.ts";
import type { LeaseHandle } from "../commit/lease.ts";
import type { Leased } from "../leasing/event-taker.ts";

/** Losing a lease or an ack in a power cut means another delivery, which is what at least once allows. */
export const LOSABLE: CommitOptions = { durable: false };
const ACK: CommitOptions = { ...LOSABLE, deferred: true };

/** The lease that a member has on one event. */
export class MemberLease implements BackendLease {
  readonly handle: LeaseHandle;
  readonly #engine: Engine;
  /** What its member states. */
  readonly #given: GivenGroupPolicy;
  /** Its member is there. */
  readonly #onSettling: (tx: WriteTransaction) => void;
  #isSettled = false;
  #until: number;

  constructor(
    engine: Engine,
    { lease, until }: Leased,
    member: {
      readonly given: GivenGroupPolicy;
      readonly onSettling: (tx: WriteTransaction) => void;
    },
  ) {
    this.#engine = engine;
    this.handle = lease;
    this.#until = until;
    this.#given = member.given;
    this.#onSettling = member.onSettling;
  }

  /** Its ack was part of its handler's transaction. */
  noteSettled(): void {
    this.#isSettled = true;
  }

  async ack(): Promise<boolean> {
    if (this.#isSettled) return true;
    const { committer, leases } = this.#engine;
    const ack = committer.submit((tx) => {
      this.#onSettling(tx);
      return leases.ack(tx, this.handle);
    }, ACK);
    return (await ack).held;
  }

  nack(options: NackOptions): Promise<boolean> {
    const { committer, leases } = this.#engine;
    const how = { ...options, given: this.#given };
    return committer.submit((tx) => {
      this.#onSettling(tx);
      return leases.nack(tx, this.handle, how);
    }, LOSABLE);
  }

  async extend(ms: number): Promise<number | false> {
    const { committer, leases } = this.#engine;
    const until = await committer.submit((tx) => {
      this.#onSettling(tx);
      return leases.extend(tx, this.handle, ms);
    }, LOSABLE);
    if (until !== false) this.#until = until;
    return until;
  }

  /** By the clock that others go by, who take the event when it has run out. */
  leftMs(): number {
    return this.#until - Date.now();
  }

  release(): Promise<unknown> {
    const { committer, leases } = this.#engine;
    return committer.submit((tx) => leases.release(tx, this.handle), LOSABLE);
  }
}
