import type { StoredEvent } from "@ringrift/event-queue";
import { type ClaimedEvent, toStoredEvent } from "@ringrift/event-queue/backend";
import { ACK, acknowledge, deliverAgainIn } from "./acknowledge.ts";
import { attemptOf, type KnownRecord } from "./delivery-records.ts";
import { type EventMessage, readEvent } from "./event-message.ts";
import type { GroupEngine } from "./group-engine.ts";
import { graceOf } from "./consumer-config.ts";
import type { Group, Lane } from "./group.ts";
import type { KeyStanding } from "./key-order.ts";
import { ackToOf, type EventPlace, failuresBefore, Lease, leaseExpired } from "./lease.ts";
import { NO_KEY } from "./names.ts";
import type { RawMessage } from "./raw-message.ts";
import { ReleaseOrder } from "./release-order.ts";

/** Who waits for an earlier event of its key is looked at again after so long, whatever it was told. */
const SHORTEST_PARKING_MS = 5_000;
const NO_RECORD: KnownRecord = { record: undefined, revision: 0 };

/** Messages that the server has given to this member, and for how long. */
export interface Delivered {
  readonly group: Group;
  readonly lane: Lane;
  readonly messages: readonly RawMessage[];
  readonly leaseMs: number;
  /** They were given at or after this moment of the monotone clock. */
  readonly since: number;
}

/** What came of messages that were to be claimed. */
export interface Claim {
  /** In position order. */
  readonly claimed: readonly ClaimedEvent[];
  /** How many were settled because they are too old for the group. */
  readonly skipped: number;
}

/** What came of one of them: `undefined` when it is settled, buried, or waits for its turn. */
type Outcome = ClaimedEvent | "skipped" | undefined;

/** One message on its way to be claimed. */
interface Candidate {
  readonly message: RawMessage;
  readonly place: EventPlace;
  readonly bucket: string;
  /** The event, or why it can't be read. */
  readonly content: StoredEvent | { readonly error: unknown };
  readonly known: KnownRecord;
  readonly attempt: number;
}

/** Makes leases of what the server delivers: counts attempts, buries what had too many, keeps keys in order. */
export class Claimer {
  readonly #engine: GroupEngine;
  readonly #releases = new ReleaseOrder();

  constructor(engine: GroupEngine) {
    this.#engine = engine;
  }

  /** What isn't claimed is settled, buried, skipped, or waits for its turn. */
  async claim(delivered: Delivered): Promise<Claim> {
    const found = await Promise.all(
      delivered.messages.map((message) => this.#candidate(delivered, message)),
    );
    const candidates = found
      .filter((one) => one !== undefined)
      .toSorted((a, b) => a.place.position - b.place.position);
    const keyed = Map.groupBy(
      candidates.filter(({ bucket }) => bucket !== NO_KEY),
      ({ bucket }) => bucket,
    );
    const outcomes = await Promise.all([
      ...candidates
        .filter(({ bucket }) => bucket === NO_KEY)
        .map((candidate) => this.#settleOrClaim(delivered, candidate, undefined)),
      ...[...keyed.values()].map((ofKey) => this.#inOrder(delivered, ofKey)),
    ]);
    const all = outcomes.flat();
    return {
      claimed: all
        .filter((one) => one !== undefined && one !== "skipped")
        .toSorted((a, b) => a.event.position - b.event.position),
      skipped: all.filter((one) => one === "skipped").length,
    };
  }

  /** `undefined` for what the group doesn't read, and for what this process has settled already. */
  async #candidate(delivered: Delivered, message: RawMessage): Promise<Candidate | undefined> {
    const { group, lane } = delivered;
    const { names, connection, records, settled } = this.#engine;
    const isLog = lane === "log";
    const read = readEvent(message, names);
    const place = "event" in read ? read.event : read.broken;
    if (isLog && "event" in read && settled.has(group.incarnation, read.event.lineage.id)) {
      connection.nats.publish(message.reply, ACK);
      return undefined;
    }
    const known = message.delivery > 1 ? await records.get(group, lane, place.position) : NO_RECORD;
    return {
      message,
      place: { position: place.position, type: place.type, storedAt: place.storedAt },
      bucket: isLog ? names.bucketOf(message.subject) : NO_KEY,
      content: "event" in read ? readable(read.event) : read.broken,
      known,
      attempt: attemptOf(message.delivery, known.record),
    };
  }

  /** Those of a bucket behind one that isn't settled wait for their turn. */
  async #inOrder(delivered: Delivered, ofKey: readonly Candidate[]): Promise<Outcome[]> {
    const { keys } = this.#engine;
    const outcomes: Outcome[] = [];
    for (const [index, candidate] of ofKey.entries()) {
      const { bucket, place } = candidate;
      const standing = await keys.standing(delivered.group, bucket, place.position);
      const outcome = await this.#settleOrClaim(delivered, candidate, standing);
      outcomes.push(outcome);
      if (standing.turn === "over" || outcome === "skipped") continue;
      const behind = ofKey.slice(index + 1);
      outcomes.push(...(await Promise.all(behind.map((other) => this.#park(delivered, other)))));
      break;
    }
    return outcomes;
  }

  async #settleOrClaim(
    delivered: Delivered,
    candidate: Candidate,
    standing: KeyStanding | undefined,
  ): Promise<Outcome> {
    if (standing?.turn === "over") {
      await this.#say(delivered, candidate.message, ACK);
      return undefined;
    }
    if (standing?.turn === "later") return this.#park(delivered, candidate);
    return this.#lease(delivered, candidate, { revision: standing?.revision, isPaused: false });
  }

  async #lease(
    delivered: Delivered,
    candidate: Candidate,
    how: { readonly revision: number | undefined; readonly isPaused: boolean },
  ): Promise<Outcome> {
    const { group, lane, leaseMs } = delivered;
    const { message, place, bucket, content, known, attempt } = candidate;
    const { records, clock } = this.#engine;
    const failures = failuresBefore(attempt, known.record, clock.now());
    let recordRevision = known.revision;
    if (known.record !== undefined) {
      const { delivery } = message;
      const record = { delivery, attempts: attempt, idle: false, failures };
      const revision = await records.swap(group, lane, place.position, record, known.revision);
      // Another delivery of it was faster.
      if (revision === undefined) return undefined;
      recordRevision = revision;
    }
    let heldUntil = delivered.since + leaseMs;
    if (how.isPaused || leaseMs !== group.usualLeaseMs) {
      heldUntil = performance.now() + leaseMs;
      if (!(await this.#hold(delivered, message))) return undefined;
    }
    const key = how.revision === undefined ? undefined : { bucket, revision: how.revision };
    const id = "error" in content ? "" : content.id;
    const delivery = { group, lane, message, place, id, attempt, failures, key };
    const lease = new Lease(
      this.#engine,
      { ...delivery, recordRevision, heldUntil },
      this.#releases,
    );
    if (this.#isTooOld(delivered, place)) return (await lease.skip()) ? "skipped" : undefined;
    if ("error" in content) await lease.bury(content.error);
    else if (attempt > group.policy.maxAttempts) await lease.bury(leaseExpired(attempt - 1));
    else return lease.claim(content);
    return undefined;
  }

  /** What was given back on purpose is never too old. */
  #isTooOld({ group, lane }: Delivered, { storedAt }: EventPlace): boolean {
    const { skipAfterMs } = group.policy;
    if (skipAfterMs === null || lane === "redriven") return false;
    return storedAt < this.#engine.clock.now() - skipAfterMs;
  }

  /** Lets it wait in the server, and notes where it can be called when its turn comes. */
  async #park(delivered: Delivered, candidate: Candidate): Promise<Outcome> {
    const { group, lane } = delivered;
    const { message, place, bucket, known, attempt } = candidate;
    const { delivery, reply } = message;
    const { records, keys } = this.#engine;
    // First the pause, then the note: who reads the note and calls it must not be overtaken by the pause.
    const parkingMs = Math.max(SHORTEST_PARKING_MS, group.policy.leaseMs);
    if (!(await this.#say(delivered, message, deliverAgainIn(parkingMs)))) return undefined;
    const failures = known.record?.failures ?? [];
    const attempts = attempt - 1;
    const more = ackToOf(group, message);
    const record = { delivery, attempts, idle: true, reply, failures, ...more };
    const revision = await records.swap(group, lane, place.position, record, known.revision);
    if (revision === undefined) return undefined;
    // Who settled the one before may have looked for this note a moment too early.
    const standing = await keys.standing(group, bucket, place.position);
    if (standing.turn !== "now") return undefined;
    const noted = { ...candidate, known: { record, revision } };
    return this.#lease(delivered, noted, { revision: standing.revision, isPaused: true });
  }

  /** Has the server keep it for the length of this lease from now on, whatever is usual for the group. */
  #hold(delivered: Delivered, message: RawMessage): Promise<boolean> {
    const { leaseMs } = delivered;
    return this.#say(delivered, message, deliverAgainIn(leaseMs + graceOf(leaseMs)));
  }

  #say(delivered: Delivered, { reply }: RawMessage, what: string): Promise<boolean> {
    const { groups, connection } = this.#engine;
    const address = { ...groups.addressOf(delivered.group, delivered.lane), reply };
    return acknowledge(connection, address, what, () => true);
  }
}

function readable(event: EventMessage): StoredEvent | { readonly error: unknown } {
  try {
    return toStoredEvent(event);
  } catch (error) {
    return { error };
  }
}
