import { runDetached } from "@ringrift/envelope";
import type { ClaimedEvent } from "@ringrift/event-queue/backend";
import { ACK, acknowledge, deliverAgainIn, leaseFor } from "../messages/acknowledge.ts";
import type { Delivered, Leasing } from "../leasing/delivered.ts";
import {
  attemptOf,
  type DeliveryRecord,
  isAfterLoss,
  type KnownRecord,
} from "../groups/delivery-records.ts";
import type { GroupEngine } from "../settling/group-engine.ts";
import { consumerInfo } from "../groups/group-consumer.ts";
import type { Lane } from "../groups/group.ts";
import { DeliveryHold, type Hold } from "../leasing/hold.ts";
import { type Candidate, candidateOf } from "../leasing/candidate.ts";
import { DeliveryRun } from "../leasing/delivery-run.ts";
import { KeyLanes } from "./key-lanes.ts";
import { RedrivenTurn } from "../settling/redriven-turn.ts";
import { type EventPlace, failuresBefore, Lease, leaseExpired } from "../leasing/lease.ts";
import { bucketOf, NO_KEY } from "../server/names.ts";
import type { RawMessage } from "../messages/raw-message.ts";
import { ReleaseOrder } from "../leasing/release-order.ts";
import { SpareEvents } from "../leasing/spare-events.ts";
import { WithdrawnPulls } from "./withdrawn-pulls.ts";

const NO_RECORD: KnownRecord = { record: undefined, revision: 0 };

/** An event that is to be leased, and by what right. */
interface Due extends Leasing {
  readonly lane: Lane;
  readonly candidate: Candidate;
  readonly attempt: number;
  readonly failures: ReturnType<typeof failuresBefore>;
  /** The attempt before was lost with its lease. */
  readonly isAfterLoss: boolean;
  /** That attempt, or one before it. */
  readonly wasLost?: true | undefined;
  readonly hold: Hold;
}

/** What is known of a delivery that is to be leased. */
interface NotedDelivery extends Pick<Due, "attempt" | "failures" | "isAfterLoss" | "wasLost"> {
  readonly recordRevision: number;
  /** Of its key, if it is a redriven one. */
  readonly bucket: string;
}

/** Makes leases of what the server delivers: counts attempts, buries what had too many, keeps keys in order. */
export class Claimer {
  readonly #engine: GroupEngine;
  readonly #releases = new ReleaseOrder();
  readonly #run = new DeliveryRun();
  readonly withdrawn: WithdrawnPulls;
  /** By group, lane and place in its stream. */
  readonly #held = new Map<string, DeliveryHold>();
  readonly #turns: RedrivenTurn;
  /** The keys whose turn this process has. */
  readonly keys: KeyLanes;
  /** What more came than was asked for. */
  readonly spare: SpareEvents;
  #timer: NodeJS.Timeout | undefined;
  /** When it fires, on the monotone clock. */
  #watchesAt = Number.POSITIVE_INFINITY;
  #skipped = 0;
  #gone = 0;
  /** Of the connection, as far as this member has seen. */
  #reconnects: number;

  constructor(engine: GroupEngine) {
    this.#engine = engine;
    this.#reconnects = engine.connection.history.reconnects;
    this.#turns = new RedrivenTurn(engine);
    this.withdrawn = new WithdrawnPulls(engine);
    this.keys = new KeyLanes(engine, this.#run);
    this.spare = new SpareEvents(engine, () => this.keys.bell.ring());
  }

  /** It has nothing. */
  get isIdle(): boolean {
    return this.#heldCount === 0;
  }

  /** Gives back what nobody has asked for: nobody will, for now. */
  async giveUp(): Promise<void> {
    await Promise.all([this.keys.giveUp(), this.spare.giveUp()]);
  }

  /** Before this process lets go of all: notes until when what it has is held, for whoever counts. */
  async noteHeld(): Promise<void> {
    clearTimeout(this.#timer);
    const now = performance.now();
    const offset = this.#engine.clock.now() - now;
    const held = [...this.#held.values()].filter(({ until }) => until > now);
    await Promise.allSettled([
      ...held.map((hold) => hold.noteHeld(Math.round(offset + hold.until))),
      this.keys.noteHeld(),
    ]);
  }

  /** Notes when leases are over that nobody has settled: the server doesn't tell these from others. */
  #watch(until: number): void {
    if (until >= this.#watchesAt) return;
    this.#watchesAt = until;
    clearTimeout(this.#timer);
    const ms = Math.max(until - performance.now(), 0) + 1;
    this.#timer = runDetached(() => setTimeout(() => this.#noteLapsed(), ms).unref());
  }

  #noteLapsed(): void {
    this.#watchesAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    for (const [name, hold] of this.#held) {
      if (hold.until > now) continue;
      this.#held.delete(name);
      this.#engine.later(() => hold.noteHeld(this.#engine.clock.now()));
    }
    if (this.#held.size === 0) return;
    this.#watch(Math.min(...[...this.#held.values()].map(({ until }) => until)));
  }

  /** How many were settled since it was asked last because they are too old for the group. */
  takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }

  /** How many were settled instead of leased since it was asked last: what comes after them may have its turn. */
  takeGone(): number {
    const gone = this.#gone;
    this.#gone = 0;
    return gone;
  }

  /**
   * Leases up to `limit` of what was delivered, and of what was delivered before and has its turn now, in position order.
   * The others are settled, buried, skipped, or wait for their turn.
   */
  async claim(delivered: Delivered, limit: number): Promise<ClaimedEvent[]> {
    const { lane, messages } = delivered;
    const isKeyed = ({ subject }: RawMessage): boolean =>
      lane === "log" && this.#engine.names.bucketOf(subject) !== NO_KEY;
    if (lane === "log") {
      this.keys.enter(delivered.group);
      this.#noteReconnects();
      this.#run.received(messages);
    }
    const [found] = await Promise.all([
      Promise.all(
        messages
          .filter((message) => !isKeyed(message))
          .map((message) => this.#claimOne(delivered, message)),
      ),
      this.#place(delivered, messages.filter(isKeyed)),
    ]);
    const claimed = found.filter((one) => one !== undefined);
    const fronts = await this.takeFronts(delivered, limit - claimed.length);
    return [...claimed, ...fronts].toSorted((a, b) => a.event.position - b.event.position);
  }

  /** Leases what has its turn by now. */
  async takeFronts(leasing: Leasing, limit: number): Promise<ClaimedEvent[]> {
    const claimed: ClaimedEvent[] = [];
    for (const { lane, front } of this.keys.fronts()) {
      if (claimed.length >= limit) break;
      if (lane.group.incarnation !== leasing.group.incarnation) continue;
      const hold = lane.take(front);
      if (hold === undefined) continue;
      const { group, leaseMs } = leasing;
      if (leaseMs !== lane.leaseMs && !(await hold.extend(leaseMs))) continue;
      const one = await this.#lease({ group, leaseMs, lane: "log", ...front, hold });
      if (one !== undefined) claimed.push(one);
    }
    return claimed;
  }

  async #place(delivered: Delivered, messages: readonly RawMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const { group, since, leaseMs } = delivered;
    const current = await this.#engine.groups.recall(group.name);
    await this.#run.look(
      () => consumerInfo(this.#engine, group, "log"),
      () => this.#heldCount + messages.length,
    );
    const run = this.#run.isAlone ? this.#run.number : 0;
    const now = performance.now();
    const parked = messages.map((message) => ({
      ...candidateOf(message, this.#engine.names),
      message,
      // For so long as the server gave it; once it has its turn, its lease is as long as was asked.
      until: since + Math.min(leaseMs, group.usualLeaseMs),
      run,
      since: now,
      isFirst: this.withdrawn.lost(message, group),
    }));
    // A server that was killed may have forgotten what it gave to others, and give it to this one as if for the first time.
    const isShaken = now < this.#engine.connection.reconnectedAt + group.usualLeaseMs;
    const isCareful = isShaken || current?.care !== undefined;
    await this.keys.place({ group, leaseMs, isCareful }, parked);
  }

  #noteReconnects(): void {
    const { reconnects } = this.#engine.connection.history;
    if (reconnects !== this.#reconnects) this.#run.end();
    this.#reconnects = reconnects;
  }

  /** Deliveries that the server holds for this member. */
  get #heldCount(): number {
    const now = performance.now();
    let count = 0;
    for (const { until, lane } of this.#held.values()) {
      if (until > now && lane === "log") count += 1;
    }
    return count + this.keys.heldCount;
  }

  /** One of no key, or a redriven one. */
  async #claimOne(delivered: Delivered, message: RawMessage): Promise<ClaimedEvent | undefined> {
    const { group, lane, leaseMs } = delivered;
    const { names, settled } = this.#engine;
    const candidate = candidateOf(message, names, lane === "log" ? "log" : "kept");
    const { id } = candidate;
    if (lane === "log" && id !== "" && settled.has(group.incarnation, id)) {
      this.#engine.tell(message, ACK);
      return undefined;
    }
    const noted = await this.#noteDelivery(delivered, message, candidate);
    if (noted === undefined) return undefined;
    const { attempt, failures, recordRevision, wasLost, bucket } = noted;
    const { position } = message;
    let until = delivered.since + leaseMs;
    if (leaseMs !== group.usualLeaseMs || bucket !== NO_KEY) {
      until = performance.now() + leaseMs;
      const held = leaseFor(leaseMs, group.usualLeaseMs);
      if (!(await this.#say(delivered, message, held))) return undefined;
    }
    // This process stood still: it is somebody else's by now.
    if (performance.now() >= until) return undefined;
    const name = `${group.incarnation} ${lane} ${position}`;
    // A server that was killed gives again what this member has; that is settled by what it has.
    if ((this.#held.get(name)?.until ?? 0) > performance.now()) return undefined;
    const hold: DeliveryHold = new DeliveryHold(this.#engine, {
      group,
      lane,
      message,
      position,
      id,
      attempt,
      failures,
      wasLost,
      recordRevision,
      until,
      onEnd: () => {
        if (this.#held.get(name) === hold) this.#held.delete(name);
      },
      onExtend: () => this.#watch(hold.until),
      ...(bucket !== NO_KEY && {
        beforeSettled: () => this.#turns.release(group, bucket, position),
      }),
    });
    this.#held.set(name, hold);
    this.#watch(hold.until);
    return this.#lease({
      group,
      leaseMs,
      lane,
      candidate,
      attempt,
      failures,
      isAfterLoss: noted.isAfterLoss,
      hold,
    });
  }

  /**
   * Which attempt a delivery is. One that isn't the first is noted before it begins, which also decides against whoever had it
   * before. `undefined` when it isn't to begin: it is settled, somebody else's, or not to be begun yet.
   */
  async #noteDelivery(
    delivered: Delivered,
    message: RawMessage,
    candidate: Candidate,
  ): Promise<NotedDelivery | undefined> {
    const { group, lane } = delivered;
    const { records, clock } = this.#engine;
    const { id } = candidate;
    // A redriven event is noted by its place among the dead letters: positions of the log may be given anew.
    const { delivery, position } = message;
    const bucket = lane === "redriven" ? bucketOf(keyOf(candidate)) : NO_KEY;
    for (;;) {
      const known = delivery > 1 ? await records.get(group, lane, position, id) : NO_RECORD;
      const { record, revision } = known;
      if (record?.isDone === true) {
        this.#engine.tell(message, ACK);
        return undefined;
      }
      const isFirst = record === undefined && lane === "log" && this.withdrawn.lost(message, group);
      const isLost = !isFirst && isAfterLoss(delivery, record);
      const wasLost: true | undefined = isLost ? true : record?.wasLost;
      const put = (change: Omit<DeliveryRecord, "id" | "delivery">) =>
        records.swap(group, lane, position, { ...change, id, delivery, wasLost }, revision);
      const earlyMs = (record?.notBefore ?? 0) - clock.now();
      if (record !== undefined && earlyMs > 0) {
        // Whoever holds it may have changed the note.
        if ((await put(record)) === undefined) continue;
        await this.#say(delivered, message, deliverAgainIn(earlyMs));
        return undefined;
      }
      const attempt = isFirst ? 1 : attemptOf(delivery, record);
      const failures = failuresBefore(attempt, record, clock.now());
      const waitMs = bucket === NO_KEY ? 0 : await this.#turns.take(group, bucket, position);
      if (waitMs > 0) {
        await put({ attempts: attempt - 1, idle: true, failures });
        await this.#say(delivered, message, deliverAgainIn(waitMs));
        return undefined;
      }
      const noted = { attempt, failures, bucket, isAfterLoss: isLost, wasLost };
      if (delivery === 1) return { ...noted, recordRevision: 0 };
      const recordRevision = await put({ attempts: attempt, idle: false, failures });
      if (recordRevision !== undefined) return { ...noted, recordRevision };
      const now = await records.get(group, lane, position, id);
      // Another delivery of it was faster, or a late ack. Else it was only noted that an earlier lease is over.
      if (now.record === undefined || now.record.delivery >= delivery) return undefined;
    }
  }

  /** `undefined` for what is settled at once: it can't be read, is too old, or had its attempts. */
  async #lease(due: Due): Promise<ClaimedEvent | undefined> {
    const { group, lane, candidate, attempt, failures, hold } = due;
    const { source, place, id, content } = candidate;
    const { settled } = this.#engine;
    const claimed = { group, lane, source, place, id, attempt, failures };
    const lease = new Lease(this.#engine, claimed, hold, this.#releases);
    // The server has forgotten that it was settled.
    if (lane === "log" && id !== "" && settled.has(group.incarnation, id)) await hold.settle(ACK);
    else if (this.#isTooOld(due, place)) {
      if (await lease.skip()) this.#skipped += 1;
    } else if ("error" in content) await lease.bury(content.error);
    else if (due.isAfterLoss && attempt > group.policy.maxAttempts) {
      await lease.bury(leaseExpired(attempt - 1), attempt - 1);
    } else return lease.claim(content);
    this.#gone += 1;
    return undefined;
  }

  /** What was given back on purpose is never too old. */
  #isTooOld({ group, lane }: Due, { storedAt }: EventPlace): boolean {
    const { skipAfterMs } = group.policy;
    if (skipAfterMs === null || lane === "redriven") return false;
    return storedAt < this.#engine.clock.now() - skipAfterMs;
  }

  #say(delivered: Delivered, message: RawMessage, what: string): Promise<boolean> {
    const { groups, connection } = this.#engine;
    const told = { ...groups.incarnations.addressOf(delivered.group, delivered.lane), ...message };
    return acknowledge(connection, told, what);
  }
}

function keyOf({ content }: Candidate): string | undefined {
  return "error" in content ? undefined : content.key;
}
