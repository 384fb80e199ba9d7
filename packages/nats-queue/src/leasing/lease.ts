import { QueueError, type NackOptions, type StoredEvent } from "@ringrift/event-queue";
import {
  type BackendLease,
  backoffDelayMs,
  type ClaimedEvent,
  isPermanent,
  toErrorData,
} from "@ringrift/event-queue/backend";
import { ACK, TERMINATE } from "../messages/acknowledge.ts";
import type { DeliveryRecord } from "../groups/delivery-records.ts";
import type { EventMessage, MessageSource } from "../messages/event-message.ts";
import type { GroupEngine } from "../settling/group-engine.ts";
import type { Group, Lane } from "../groups/group.ts";
import type { Hold } from "./hold.ts";
import type { ReleaseOrder } from "./release-order.ts";

const MOST_FAILURES = 10;
/** For so long an event whose lease has run out is held again to become a dead letter. */
const BURY_MS = 10_000;

/** Which event of the log a message is, whether or not it can be read. */
export type EventPlace = Pick<EventMessage, "position" | "type" | "storedAt">;

/** One event as it is leased to this member. */
export interface Claimed {
  readonly group: Group;
  readonly lane: Lane;
  /** The event's own message: what a dead letter is a copy of. */
  readonly source: MessageSource;
  readonly place: EventPlace;
  /** Of the event; empty when it can't be read. */
  readonly id: string;
  readonly attempt: number;
  readonly failures: DeliveryRecord["failures"];
}

/**
 * A lease: the right to settle one delivery, until a moment on this process's own clock. The server gives the
 * event to somebody else a grace later, so that what was sent in time can't be late.
 */
export class Lease implements BackendLease {
  readonly #engine: GroupEngine;
  readonly #claimed: Claimed;
  readonly #hold: Hold;
  readonly #releases: ReleaseOrder;

  constructor(engine: GroupEngine, claimed: Claimed, hold: Hold, releases: ReleaseOrder) {
    this.#engine = engine;
    this.#claimed = claimed;
    this.#hold = hold;
    this.#releases = releases;
  }

  /** The event as it is leased with this. */
  claim(event: StoredEvent): ClaimedEvent {
    const { attempt, lane, group, place } = this.#claimed;
    const isAgain = lane === "redriven" || place.position <= (group.adopted?.againUpTo ?? 0);
    const redelivered = isAgain || attempt > 1;
    const stored = Object.assign(event, { attempt, redelivered });
    return { event: stored, lease: this, until: this.#until() };
  }

  async ack(): Promise<boolean> {
    const isDone = this.#isHeld()
      ? await this.#hold.settle(ACK)
      : (await this.#isOfGroup()) && (await this.#hold.settleLate());
    if (isDone) this.#engine.touch(this.#claimed.group);
    return isDone;
  }

  /** Whether the group wasn't moved or removed since the event was leased. */
  async #isOfGroup(): Promise<boolean> {
    const { group } = this.#claimed;
    const now = await this.#engine.groups.find(group.name);
    return now?.incarnation === group.incarnation;
  }

  /** Holds it after its lease has run out, unless the event was given to somebody else meanwhile. */
  async #revive(ms: number): Promise<boolean> {
    return (await this.#isOfGroup()) && this.#hold.revive(ms);
  }

  /** Settles it unhandled, for it is too old: this isn't service. */
  async skip(): Promise<boolean> {
    return this.#isHeld() && this.#hold.settle(ACK);
  }

  async nack(options: NackOptions): Promise<boolean> {
    if (!this.#isHeld() && !(await this.#isOfGroup())) return false;
    const { group, attempt } = this.#claimed;
    const { reason } = options;
    // It may have been changed since the event was leased, or the group moved: then the event isn't this one's to bury.
    const policy = await this.#engine.policyNow(group);
    if (policy === undefined) return false;
    if (attempt >= policy.maxAttempts || isPermanent(reason)) {
      return (this.#isHeld() || (await this.#revive(BURY_MS))) && this.bury(reason);
    }
    const delayMs = options.delayMs ?? backoffDelayMs(policy.backoff, attempt);
    const failures = this.#failuresWith(reason);
    const done = await this.#hold.giveBack({ attempts: attempt, failures, delayMs });
    this.#engine.touch(group);
    return done;
  }

  /** Gives it back unbegun: this attempt doesn't count. */
  release(): Promise<boolean> {
    return this.#releases.next(async (turn) => {
      if (!this.#isHeld()) return false;
      const { attempt, failures } = this.#claimed;
      return this.#hold.giveBack({ attempts: attempt - 1, failures, delayMs: 0, turn });
    });
  }

  /** Makes it a dead letter, after so many attempts; resolves to `false` when the lease was lost. */
  async bury(reason: unknown, attempts: number = this.#claimed.attempt): Promise<boolean> {
    const { group, place, source, id } = this.#claimed;
    const error = toErrorData(reason);
    await this.#engine.letters.bury(
      { headers: source.headers, text: source.text, ...place },
      {
        group: group.name,
        attempts,
        error,
        history: this.#failuresWith(reason, attempts),
        time: this.#engine.clock.now(),
        incarnation: group.incarnation,
      },
    );
    if (!(await this.#hold.settle(TERMINATE))) return false;
    this.#engine.touch(group);
    this.#engine.onDeadLetter({ group: group.name, id, type: place.type, attempts, error });
    return true;
  }

  async extend(ms: number): Promise<number | false> {
    const isDone = this.#isHeld() ? await this.#hold.extend(ms) : await this.#revive(ms);
    return isDone && this.#until();
  }

  leftMs(): number {
    return this.#hold.until - performance.now();
  }

  #until(): number {
    return Math.round(this.#engine.clock.now() + this.leftMs());
  }

  #isHeld(): boolean {
    return this.leftMs() > 0;
  }

  #failuresWith(
    reason: unknown,
    attempt: number = this.#claimed.attempt,
  ): DeliveryRecord["failures"] {
    const { failures } = this.#claimed;
    const { message } = toErrorData(reason);
    const time = this.#engine.clock.now();
    if (failures.some((failure) => failure.attempt === attempt)) return failures;
    return [...failures, { attempt, time, message }].slice(-MOST_FAILURES);
  }
}

/** Why an attempt has failed that nobody said anything about. */
export function leaseExpired(attempt: number): QueueError {
  return new QueueError(
    "LEASE_EXPIRED",
    `The lease on attempt ${attempt} ran out before it was acked: its process ended, was blocked, or forgot to ack.`,
  );
}

/** The failed attempts so far, with those of which only the lease's end is known. */
export function failuresBefore(
  attempt: number,
  record: Pick<DeliveryRecord, "failures"> | undefined,
  now: number,
): DeliveryRecord["failures"] {
  const failures = [...(record?.failures ?? [])];
  for (let each = Math.max(1, attempt - MOST_FAILURES); each < attempt; each += 1) {
    if (failures.some((failure) => failure.attempt === each)) continue;
    failures.push({ attempt: each, time: now, message: leaseExpired(each).message });
  }
  return failures.toSorted((a, b) => a.attempt - b.attempt).slice(-MOST_FAILURES);
}
