import { QueueError, type NackOptions, type StoredEvent } from "@ringrift/event-queue";
import {
  type BackendLease,
  backoffDelayMs,
  type ClaimedEvent,
  isPermanent,
  toErrorData,
} from "@ringrift/event-queue/backend";
import { ACK, acknowledge, deliverAgainIn, GIVE_BACK, TERMINATE, WORKING } from "./acknowledge.ts";
import type { EventMessage } from "./event-message.ts";
import type { GroupEngine } from "./group-engine.ts";
import { graceOf } from "./consumer-config.ts";
import type { Group, Lane } from "./group.ts";
import type { RawMessage } from "./raw-message.ts";
import type { ReleaseOrder } from "./release-order.ts";
import type { DeliveryRecord } from "./delivery-records.ts";

const MOST_FAILURES = 10;

/** Which event of the log a message is, whether or not it can be read. */
export type EventPlace = Pick<EventMessage, "position" | "type" | "storedAt">;

/** One delivery of one event to this member, as claimed. */
export interface Claimed {
  readonly group: Group;
  readonly lane: Lane;
  readonly message: RawMessage;
  readonly place: EventPlace;
  /** Of the event; empty when it can't be read. */
  readonly id: string;
  readonly attempt: number;
  /** Of its record; 0 when it has none. */
  readonly recordRevision: number;
  readonly failures: DeliveryRecord["failures"];
  /** What orders it, if anything does. */
  readonly key: { readonly bucket: string; readonly revision: number } | undefined;
  /** On the monotone clock. */
  readonly heldUntil: number;
}

/**
 * A lease: the right to settle one delivery, until a moment on this process's own clock. The server gives the
 * event to somebody else a grace later, so that what was sent in time can't be late.
 */
export class Lease implements BackendLease {
  readonly #engine: GroupEngine;
  readonly #claimed: Claimed;
  readonly #releases: ReleaseOrder;
  #heldUntil: number;
  #recordRevision: number;
  #keySettled = false;

  constructor(engine: GroupEngine, claimed: Claimed, releases: ReleaseOrder) {
    this.#engine = engine;
    this.#releases = releases;
    this.#claimed = claimed;
    this.#heldUntil = claimed.heldUntil;
    this.#recordRevision = claimed.recordRevision;
  }

  /** The event as it is leased with this. */
  claim(event: StoredEvent): ClaimedEvent {
    const { attempt, lane } = this.#claimed;
    const redelivered = lane === "redriven" || attempt > 1;
    const stored = Object.assign(event, { attempt, redelivered });
    const until = this.#engine.clock.now() + (this.#heldUntil - performance.now());
    return { event: stored, lease: this, until: Math.round(until) };
  }

  async ack(): Promise<boolean> {
    if (!this.#isHeld() || !(await this.#finish(ACK))) return false;
    this.#engine.touch(this.#claimed.group);
    return true;
  }

  /** Settles it unhandled, for it is too old: this isn't service. */
  async skip(): Promise<boolean> {
    return this.#isHeld() && this.#finish(ACK);
  }

  async nack(options: NackOptions): Promise<boolean> {
    if (!this.#isHeld()) return false;
    const { group, attempt } = this.#claimed;
    const { policy } = group;
    const { reason } = options;
    if (attempt >= policy.maxAttempts || isPermanent(reason)) return this.bury(reason);
    const delayMs = options.delayMs ?? backoffDelayMs(policy.backoff, attempt);
    const failures = this.#failuresWith(reason);
    return this.#giveBack(attempt, failures, delayMs > 0 ? deliverAgainIn(delayMs) : GIVE_BACK);
  }

  /** Gives it back unbegun: this attempt doesn't count. */
  release(): Promise<boolean> {
    return this.#releases.next(async () => {
      if (!this.#isHeld()) return false;
      const { attempt, failures } = this.#claimed;
      return this.#giveBack(attempt - 1, failures, GIVE_BACK);
    });
  }

  /** Makes it a dead letter; resolves to `false` when the lease was lost. */
  async bury(reason: unknown): Promise<boolean> {
    const { group, place, message, attempt } = this.#claimed;
    const { headers, text } = message;
    const attempts = Math.min(attempt, group.policy.maxAttempts);
    const error = toErrorData(reason);
    await this.#engine.letters.bury(
      { headers, text, ...place },
      {
        group: group.name,
        attempts,
        error,
        history: this.#failuresWith(reason),
        time: this.#engine.clock.now(),
      },
    );
    if (!(await this.#finish(TERMINATE))) return false;
    this.#engine.touch(group);
    const { id } = this.#claimed;
    this.#engine.onDeadLetter({ group: group.name, id, type: place.type, attempts, error });
    return true;
  }

  async extend(ms: number): Promise<number | false> {
    if (!this.#isHeld()) return false;
    const { group } = this.#claimed;
    const asked = performance.now();
    const isUsual = ms === group.usualLeaseMs;
    const done = await this.#say(isUsual ? WORKING : deliverAgainIn(ms + graceOf(ms)));
    if (!done) return false;
    this.#heldUntil = asked + ms;
    return Math.round(this.#engine.clock.now() + (this.#heldUntil - performance.now()));
  }

  #isHeld(): boolean {
    return performance.now() < this.#heldUntil;
  }

  /** The key first: what it says counts, and who finds the event again settles it. */
  async #finish(how: string): Promise<boolean> {
    const { group, lane, place, key, message, id } = this.#claimed;
    const { keys, records, letters } = this.#engine;
    const { position } = place;
    if (key !== undefined && !this.#keySettled) {
      const { bucket, revision } = key;
      if (!(await keys.settle(group, bucket, position, revision))) return this.#lose();
      this.#keySettled = true;
      // Whoever waits for it may go on, also when the rest of this fails.
      await this.#engine.callNext(group, bucket, position);
    }
    const done = await this.#say(how);
    this.#heldUntil = 0;
    if (!done) return false;
    if (lane === "log") this.#engine.settled.add(group.incarnation, id);
    if (this.#recordRevision > 0) this.#engine.later(() => records.remove(this.#recordRevision));
    if (lane === "redriven") this.#engine.later(() => letters.remove(message.position));
    return true;
  }

  async #giveBack(
    attempts: number,
    failures: DeliveryRecord["failures"],
    how: string,
  ): Promise<boolean> {
    const { group, lane, message, place } = this.#claimed;
    const { delivery } = message;
    const record = { delivery, attempts, idle: true, failures, ...ackToOf(group, message) };
    const { records } = this.#engine;
    const revision = await records.swap(group, lane, place.position, record, this.#recordRevision);
    if (revision === undefined) return this.#lose();
    this.#recordRevision = revision;
    const done = await this.#say(how);
    this.#heldUntil = 0;
    this.#engine.touch(group);
    return done;
  }

  #lose(): false {
    this.#heldUntil = 0;
    return false;
  }

  #say(what: string): Promise<boolean> {
    const { group, lane, message } = this.#claimed;
    const address = { ...this.#engine.groups.addressOf(group, lane), reply: message.reply };
    return acknowledge(this.#engine.connection, address, what, () => this.#isHeld());
  }

  #failuresWith(reason: unknown): DeliveryRecord["failures"] {
    const { attempt, failures } = this.#claimed;
    const { message } = toErrorData(reason);
    const time = this.#engine.clock.now();
    const numbered = Math.min(attempt, this.#claimed.group.policy.maxAttempts);
    if (failures.some((failure) => failure.attempt === numbered)) return failures;
    return [...failures, { attempt: numbered, time, message }].slice(-MOST_FAILURES);
  }
}

/** What the record of an event says that waits, so that the group can skip it meanwhile. */
export function ackToOf({ policy }: Group, { reply }: RawMessage): Pick<DeliveryRecord, "ackTo"> {
  return policy.skipAfterMs === null ? {} : { ackTo: reply };
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
  record: DeliveryRecord | undefined,
  now: number,
): DeliveryRecord["failures"] {
  const failures = [...(record?.failures ?? [])];
  for (let each = Math.max(1, attempt - MOST_FAILURES); each < attempt; each += 1) {
    if (failures.some((failure) => failure.attempt === each)) continue;
    failures.push({ attempt: each, time: now, message: leaseExpired(each).message });
  }
  return failures.toSorted((a, b) => a.attempt - b.attempt).slice(-MOST_FAILURES);
}
