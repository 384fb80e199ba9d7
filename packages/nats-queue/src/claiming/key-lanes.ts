import { runDetached } from "@ringrift/envelope";
import { Bell } from "@ringrift/event-queue/backend";
import { ACK, deliverAgainIn } from "../messages/acknowledge.ts";
import { consumerInfo } from "../groups/group-consumer.ts";
import type { Group } from "../groups/group.ts";
import type { GroupEngine, Holder } from "../settling/group-engine.ts";
import { candidateOf } from "../leasing/candidate.ts";
import { deliveryOf, UNKNOWN_LINK } from "../messages/raw-message.ts";
import { isGivenAnew, isPlain, type KeyLine, type KnownLine } from "../groups/key-line.ts";
import type { MarkedLine } from "../groups/key-lines.ts";
import type { DeliveryRun } from "../leasing/delivery-run.ts";
import type { Front } from "../leasing/front.ts";
import { Lane, type LaneOwner } from "./key-lane.ts";
import { type Parked, stillHeld } from "../leasing/parked.ts";

/** Most events of keys that wait at a member for their turn. */
const MOST_PARKED = 256;
/** So many are enough for a while, if they are twice as many as are asked for. */
const ENOUGH_PARKED = 16;
/** How long nothing more is pulled then. */
const PATIENCE_MS = 10;
/** How often it is looked whether something waits for too long. */
const TIDY_MS = 100;
/** No event is stored so far in the future. */
const FUTURE_MS = 3_600_000;
/** How long what the server said of the consumer is gone by. */
const FLOOR_MS = 1_000;

/** A front, and the lane it leads. */
export interface LaneFront {
  readonly lane: Lane;
  readonly front: Front;
}

/** The keys at one member: those whose turn it has, and what waits behind them. */
export class KeyLanes implements LaneOwner, Holder {
  /** Rings when a front is there, and when a lane is over. */
  readonly bell: Bell = new Bell();
  readonly #engine: GroupEngine;
  readonly #run: DeliveryRun;
  readonly #lanes = new Map<string, Lane>();
  /** Keys whose turn this member gave up: what comes of them isn't known to be next. */
  readonly #given = new Set<string>();
  /** In which run. */
  #givenIn = 0;
  readonly #placing = new Set<Promise<void>>();
  /** How far the group's consumer is, as asked last. */
  #floor:
    | {
        readonly acked: number;
        readonly delivered: number;
        readonly askedAt: number;
        readonly link: number;
      }
    | undefined;
  #incarnation = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(engine: GroupEngine, run: DeliveryRun) {
    this.#engine = engine;
    this.#run = run;
  }

  get parked(): NonNullable<Holder["parked"]> {
    return { incarnation: this.#incarnation, count: this.parkedCount };
  }

  /** How many events wait here for their turn. */
  get parkedCount(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.parkedCount;
    return count;
  }

  /** How many deliveries the server holds for this member because of its keys. */
  get heldCount(): number {
    let count = 0;
    for (const lane of this.#lanes.values()) count += lane.heldCount;
    return count;
  }

  /** Fronts that nobody has taken, in position order. */
  fronts(): LaneFront[] {
    const found: LaneFront[] = [];
    for (const lane of this.#lanes.values()) {
      const { front } = lane;
      if (front !== undefined && !lane.isLost) found.push({ lane, front });
    }
    return found.toSorted(
      (a, b) => a.front.candidate.place.position - b.front.candidate.place.position,
    );
  }

  /** Puts what was delivered behind its key, or in front when it is its turn. */
  async place(where: Omit<Where, "bucket">, delivered: readonly Parked[]): Promise<void> {
    const byBucket = Map.groupBy(delivered, ({ source }) =>
      this.#engine.names.bucketOf(source.subject),
    );
    await Promise.all(
      [...byBucket].map(([bucket, some]) => this.#placeOne({ ...where, bucket }, some)),
    );
  }

  /**
   * Waits a moment for a front while enough events wait here behind those that are handled: what is pulled meanwhile would only
   * wait too. Those behind a slow one make room.
   */
  async makeRoom(limit: number): Promise<void> {
    const most = Math.min(Math.max(ENOUGH_PARKED, limit * 2), MOST_PARKED);
    const until = performance.now() + PATIENCE_MS;
    while (this.parkedCount >= most && this.fronts().length === 0) {
      const seen = this.bell.version;
      const left = until - performance.now();
      if (left <= 0 || !this.#isMoving) break;
      await this.bell.wait(seen, { timeoutMs: left });
    }
    if (this.parkedCount < most || this.fronts().length > 0) return;
    const slow = [...this.#lanes.values()].filter(({ isYoung }) => !isYoung);
    await Promise.all(slow.map((lane) => lane.absorbParked()));
  }

  /** Whether something may soon have its turn that waits here. */
  get #isMoving(): boolean {
    for (const lane of this.#lanes.values()) if (lane.parkedCount > 0 && lane.isYoung) return true;
    return false;
  }

  /** Resolves when nothing is on its way to a front any more. */
  async quiet(): Promise<void> {
    while (this.#placing.size > 0) await Promise.allSettled(this.#placing);
    await Promise.all([...this.#lanes.values()].map((lane) => lane.idle()));
  }

  /** Takes a key whose first event waits for its next attempt, if it still does. */
  async seize(
    { group, leaseMs }: { readonly group: Group; readonly leaseMs: number },
    { bucket, line, ...known }: MarkedLine,
  ): Promise<void> {
    const { head } = line;
    if (head?.reply === undefined || this.#lanes.has(bucket)) return;
    const { reply, ...rest } = head;
    const taken = await this.#engine.lines.swap(
      group,
      bucket,
      { line, ...known },
      { ...line, head: { ...rest, isBack: true } },
    );
    // A member has got it meanwhile.
    if (taken === undefined) return;
    const next = await this.#engine.order.find(group, bucket, line.settled);
    if (next === undefined) return;
    const { delivery } = head;
    const parked: Parked = {
      ...candidateOf(next, this.#engine.names),
      message: { ...next, ...deliveryOf(reply), delivery, sequence: 0, link: UNKNOWN_LINK },
      until: performance.now() + leaseMs,
      run: 0,
      since: performance.now(),
    };
    this.enter(group);
    const where = { group, leaseMs, bucket, isCareful: true };
    const lane = this.#start(where, { known: taken, token: parked, sorted: [] });
    await (line.token === undefined ? lane.begin(parked) : lane.resume());
  }

  /** Gives everything back that nobody has taken. */
  async giveUp(): Promise<void> {
    await Promise.allSettled(
      [...this.#lanes.values()].map(async (lane) => {
        await lane.idle();
        await lane.giveUp();
        await lane.absorbParked();
      }),
    );
  }

  /** Before this process lets go of all: notes until when its fronts are held, for whoever counts. */
  async noteHeld(): Promise<void> {
    await Promise.allSettled([...this.#lanes.values()].map((lane) => lane.noteHeld()));
  }

  onFront(): void {
    this.bell.ring();
  }

  onOver(lane: Lane, isSettled: boolean): void {
    if (this.#lanes.get(lane.bucket) === lane) this.#lanes.delete(lane.bucket);
    if (!isSettled && this.#run.isAlone) this.#give(lane.bucket);
    this.bell.ring();
  }

  /** Some deliveries ran out unsettled. The server gives them again, so this member no longer knows of every event. */
  onLapsed(): void {
    this.#run.end();
  }

  onHomeless(group: Group, bucket: string, parked: readonly Parked[]): void {
    if (parked.length === 0) return;
    const { leaseMs } = group.policy;
    this.#give(bucket);
    this.#engine.later(() => this.#placeOne({ group, leaseMs, bucket, isCareful: true }, parked));
  }

  /** Others that were given something end the run, and with it what is known: then older ones don't count. */
  #give(bucket: string): void {
    if (this.#givenIn !== this.#run.number) this.#given.clear();
    this.#givenIn = this.#run.number;
    this.#given.add(bucket);
  }

  async #placeOne(where: Where, delivered: readonly Parked[]): Promise<void> {
    const placing = this.#placeAny(where, delivered);
    this.#placing.add(placing);
    try {
      await placing;
    } finally {
      this.#placing.delete(placing);
    }
  }

  async #placeAny(where: Where, delivered: readonly Parked[]): Promise<void> {
    const sorted = stillHeld(delivered).toSorted((a, b) => a.place.position - b.place.position);
    if (sorted.length < delivered.length) this.onLapsed();
    await this.#lanes.get(where.bucket)?.confirm();
    const lane = this.#lanes.get(where.bucket);
    if (lane !== undefined) {
      const isLost =
        lane.isLost ||
        sorted.some(({ message }) => lane.isToken(message) || isGivenAnew(lane.line, message));
      if (!isLost) return this.#behind(lane, sorted);
      lane.lose();
    }
    const [first] = sorted;
    const known = this.#engine.lines.recall(where.group, where.bucket);
    const isNext =
      this.#run.isAlone &&
      !where.isCareful &&
      !this.#given.has(where.bucket) &&
      isPlain(known.line) &&
      first?.message.delivery === 1;
    if (!isNext) return this.#look(where, sorted);
    return this.#begin(where, { known, isRecalled: true, sorted, token: first });
  }

  /** The turn is this member's. */
  async #behind(lane: Lane, sorted: readonly Parked[]): Promise<void> {
    const over = sorted.filter(({ place }) => place.position <= lane.line.settled);
    this.#forget(over);
    const behind = sorted.slice(over.length);
    if (!lane.isYoung) return lane.absorb(behind);
    for (const one of behind) lane.park(one);
  }

  /** Looks how far the key is, for nothing is known of it. */
  async #look(where: Where, sorted: readonly Parked[]): Promise<void> {
    const { group, bucket } = where;
    const { lines, order } = this.#engine;
    for (let left = sorted; left.length > 0;) {
      const known = await lines.read(group, bucket);
      const { line } = known;
      const anew = left.find(({ message }) => isGivenAnew(line, message));
      if (anew !== undefined || (await this.#engine.hasLost(known))) {
        await this.#goBack(where, known, anew?.message.position ?? line.settled);
        continue;
      }
      const token = left.find(({ message }) => message.position === line.token);
      const over = left.filter((one) => one !== token && one.place.position <= line.settled);
      this.#forget(over);
      left = left.filter((one) => !over.includes(one));
      if (left.length === 0) return;
      const early = earlyOf(left, line, this.#engine.clock.now());
      if (early !== undefined) {
        this.#engine.tell(early.message, deliverAgainIn(early.waitMs));
        left = left.filter(({ message }) => message !== early.message);
        if (left.length === 0) return;
      }
      // Another round of this member was faster.
      if (this.#lanes.has(bucket)) return this.#placeAny(where, left);
      if (token !== undefined) return this.#resume(where, { known, sorted: left, token });
      let front = line.token ?? 0;
      if (line.token === undefined) {
        const next = await order.find(group, bucket, line.settled);
        if (this.#lanes.has(bucket)) continue;
        if (next === undefined) {
          // The log has none of them any more.
          this.#forget(left);
          return;
        }
        const first = left.find(({ place }) => place.position === next.position);
        if (first !== undefined) {
          const behind = left.filter(({ place }) => place.position >= next.position);
          this.#forget(left.filter((one) => !behind.includes(one)));
          return this.#begin(where, { known, sorted: behind, token: first });
        }
        front = next.position;
      }
      if (await this.#isOrphaned(group, front)) {
        if (await this.#adopt(where, known, left)) return;
        continue;
      }
      // Whoever has the turn gets to them by the log.
      const last = Math.max(...left.map(({ place }) => place.position));
      const written = await lines.swap(group, bucket, known, {
        ...line,
        absorbed: Math.max(line.absorbed, last),
        count: line.count + left.length,
      });
      if (written === undefined) continue;
      this.#forget(left);
      return;
    }
  }

  /**
   * Whether nobody can have what stands for a key, for the consumer has it as acknowledged, or as never delivered: its age
   * has removed it, or the server has lost a part of what it knew.
   */
  async #isOrphaned(group: Group, front: number): Promise<boolean> {
    const now = performance.now();
    const { link } = this.#engine.connection;
    const isKnown = this.#floor?.link === link && now - this.#floor.askedAt <= FLOOR_MS;
    if (this.#floor === undefined || !isKnown) {
      const info = await consumerInfo(this.#engine, group, "log");
      if (info === undefined) return false;
      this.#floor = {
        acked: info.ack_floor.stream_seq,
        delivered: info.delivered.stream_seq,
        askedAt: now,
        link,
      };
    }
    if (front <= this.#floor.acked) return true;
    if (front <= this.#floor.delivered) return false;
    const info = await consumerInfo(this.#engine, group, "log");
    return info !== undefined && front > info.delivered.stream_seq;
  }

  /** The server has lost the end of its log: what it stored since is new, at positions that count as settled. */
  async #goBack({ group, bucket }: Where, known: KnownLine, position: number): Promise<void> {
    const { turn } = known.line;
    // Before this one in any case, should the times of a cluster's servers not rise from one to the next.
    const left = await this.#engine.positionBefore(known.line.at + 1);
    const settled = Math.min(left, position - 1);
    const at = await this.#engine.order.storedAt(settled);
    // Whoever had something of the lost log may have taken over what was absorbed since: so the log is asked for all of it.
    const absorbed = await this.#engine.positionBefore(this.#engine.clock.now() + FUTURE_MS);
    const line = { settled, at, absorbed, count: 0, turn };
    await this.#engine.lines.swap(group, bucket, known, line);
  }

  /** Lets one of those that came stand for the key; `false` when somebody else was faster. */
  async #adopt(where: Where, known: KnownLine, sorted: readonly Parked[]): Promise<boolean> {
    const [token] = sorted;
    if (token === undefined) return true;
    const { position, delivery } = token.message;
    const { line: before } = known;
    const absorbed = Math.max(before.absorbed, position);
    const line = { ...before, absorbed, count: before.count + 1, token: position, since: delivery };
    const written = await this.#engine.lines.swap(where.group, where.bucket, known, line);
    if (written === undefined) return false;
    await this.#resume(where, { known: written, sorted, token });
    return true;
  }

  async #begin(where: Where, start: Start): Promise<void> {
    await this.#start(where, start).begin(start.token);
  }

  async #resume(where: Where, start: Start): Promise<void> {
    await this.#start(where, start).resume();
  }

  /** A lane in which the others wait. */
  #start({ group, leaseMs, bucket }: Where, { sorted, ...from }: Start): Lane {
    const lane = this.#add(new Lane(this.#engine, this, { group, leaseMs, bucket, ...from }));
    for (const one of sorted) if (one !== from.token) lane.park(one);
    return lane;
  }

  #add(lane: Lane): Lane {
    this.#lanes.set(lane.bucket, lane);
    this.#engine.holders.add(this);
    this.#given.delete(lane.bucket);
    const everyMs = Math.min(TIDY_MS, Math.max(10, lane.leaseMs / 8));
    this.#timer ??= runDetached(() => setInterval(() => this.#tidy(), everyMs).unref());
    return lane;
  }

  /** What waited for too long at this member waits in the log, or goes back to the server. */
  #tidy(): void {
    for (const lane of this.#lanes.values()) {
      if (lane.isLost) lane.lose();
      else if (lane.isStale) {
        this.#engine.later(async () => {
          await lane.giveUp();
          await lane.absorbParked();
        });
      }
    }
    if (this.#lanes.size > 0) return;
    this.#engine.holders.delete(this);
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Begins anew where the group's cursor was set: all before is nobody's any more. */
  enter({ incarnation }: Group): void {
    if (incarnation === this.#incarnation) return;
    this.#incarnation = incarnation;
    for (const lane of this.#lanes.values()) lane.lose();
    this.#given.clear();
    this.#floor = undefined;
    this.#run.end();
  }

  #forget(done: readonly Parked[]): void {
    for (const { message } of done) this.#engine.tell(message, ACK);
  }
}

/** The message that stands for a key whose first event nobody may begin yet, if it is among those that came. */
function earlyOf(
  parked: readonly Parked[],
  { token, head }: KeyLine,
  now: number,
): { readonly message: Parked["message"]; readonly waitMs: number } | undefined {
  const waitMs = (head?.notBefore ?? 0) - now;
  if (head === undefined || waitMs <= 0) return undefined;
  const found = parked.find(({ message }) => message.position === (token ?? head.position));
  return found && { message: found.message, waitMs };
}

/** Which key of which group, and for how long its events are leased. */
interface Where {
  readonly group: Group;
  readonly leaseMs: number;
  readonly bucket: string;
  /** Whether its line is to be read before anything of it begins. */
  readonly isCareful: boolean;
}

/** How a lane begins. */
interface Start {
  readonly known: KnownLine;
  /** What is known may be old. */
  readonly isRecalled?: boolean;
  /** What stands for the key. */
  readonly token: Parked;
  /** With what waits behind it. */
  readonly sorted: readonly Parked[];
}
