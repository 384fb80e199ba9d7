import {
  ACK,
  acknowledge,
  deliverAgainIn,
  GIVE_BACK,
  leaseFor,
  type Saying,
} from "../messages/acknowledge.ts";
import type { DeliveryRecord } from "../groups/delivery-records.ts";
import type { GroupEngine } from "../settling/group-engine.ts";
import type { Group } from "../groups/group.ts";
import type { GiveBack, Hold } from "../leasing/hold.ts";
import { failuresBefore } from "../leasing/lease.ts";
import type { RawMessage } from "../messages/raw-message.ts";
import { type Candidate, candidateOf } from "../leasing/candidate.ts";
import { type Attempt, attemptAfter, type Front, isUnbegun, lineBehind } from "../leasing/front.ts";
import type { KeyLine, KnownLine } from "../groups/key-line.ts";
import { LateFront } from "./late-front.ts";
import { OwnedLine } from "./owned-line.ts";
import { isTaken } from "../settling/redriven-turn.ts";
import { spareMs } from "../leasing/spare-events.ts";
import { type Parked, stillHeld } from "../leasing/parked.ts";

/** Events behind a first one that has been handled for so long are absorbed; before, they wait at the member. */
const YOUNG_MS = 10;
/** What waits behind one that has been handled for so long waits in the log. */
const SLOW_MS = 200;
/** No handler has had it before. */
const FIRST: Attempt = { attempt: 1, isAfterLoss: false };
/** While a redriven event of the key is handled, others are looked at so often. */
const LOOK_AGAIN_MS = 500;
/** What is left of a lease when an event is handed over: where it is less, the lease is renewed first. */
const LEFT = 0.75;

/** What a lane tells the member that has it. */
export interface LaneOwner {
  /** Its front is there. */
  onFront(lane: Lane): void;
  /** It is over: whatever comes of this key is looked at anew. */
  onOver(lane: Lane, isSettled: boolean): void;
  /** The leases on some that waited have run out. */
  onLapsed(): void;
  /** They came behind events of a lane that is over. */
  onHomeless(group: Group, bucket: string, parked: readonly Parked[]): void;
}

/**
 * One key at the member that has its turn: the message that stands for it in the consumer, the first unsettled event, and
 * those that wait behind it at this member. Settling one goes on with the next. See {@link KeyLine}.
 */
export class Lane {
  readonly group: Group;
  readonly bucket: string;
  readonly leaseMs: number;
  readonly #engine: GroupEngine;
  readonly #owner: LaneOwner;
  readonly #line: OwnedLine;
  /** It stands for the key in the consumer. */
  #token: RawMessage;
  /** It is acknowledged, and the next one not yet there. */
  #isTokenDone = false;
  #until = 0;
  /** The connection on which its line is known. */
  #link: number;
  #front: Front | undefined;
  #run = 0;
  /** When the front came, on the monotone clock. */
  #since = 0;
  #isTaken = false;
  #parked: Parked[] = [];
  #isOver = false;
  /** Its front, where the lease on it has run out. */
  #late: LateFront | undefined;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    engine: GroupEngine,
    owner: LaneOwner,
    from: {
      readonly group: Group;
      readonly bucket: string;
      readonly leaseMs: number;
      readonly known: KnownLine;
      /** What is known of the line may be old. */
      readonly isRecalled?: boolean;
      readonly token: Parked;
    },
  ) {
    this.#engine = engine;
    this.#owner = owner;
    this.group = from.group;
    this.bucket = from.bucket;
    this.leaseMs = from.leaseMs;
    this.#line = new OwnedLine(engine.lines, from);
    this.#link = engine.connection.link;
    this.#token = from.token.message;
    this.#until = from.token.until;
  }

  /** The front, as long as nobody has taken it. */
  get front(): Front | undefined {
    const isFree = !this.#isTaken && this.line.turn === undefined;
    return isFree ? this.#front : undefined;
  }

  /** Its line, as known. */
  get line(): KeyLine {
    return this.#line.known.line;
  }

  /** The lease on its front has run out. */
  get isLost(): boolean {
    return this.#front !== undefined && performance.now() >= this.#until;
  }

  get parkedCount(): number {
    return this.#parked.length;
  }

  /** How many deliveries the server holds for this member because of it. */
  get heldCount(): number {
    const now = performance.now();
    const parked = this.#parked.filter(({ until }) => until > now).length;
    return parked + (this.#isTokenDone || this.#until <= now ? 0 : 1);
  }

  /** Whether what comes now may wait at this member: the front is quick, as far as known. */
  get isYoung(): boolean {
    return this.#front === undefined || performance.now() - this.#since < YOUNG_MS;
  }

  /** Nothing of it was asked for, or nothing behind it had its turn, for longer than the server should wait. */
  get isStale(): boolean {
    const now = performance.now();
    if (this.front !== undefined && this.#since < now - spareMs(this.leaseMs)) return true;
    const [first] = this.#parked;
    if (first === undefined) return false;
    // Others see in the log what waits behind a slow one, and count it.
    const isSlow = this.#isTaken && this.#since < now - SLOW_MS;
    return isSlow || first.since < now - this.leaseMs / 4;
  }

  /** Whether a delivery is of the message that stands for the key: the lease on it was lost. */
  isToken({ position }: Pick<RawMessage, "position">): boolean {
    return this.#token.position === position;
  }

  /**
   * Whether the server may have been killed a moment ago. Then it may have given what this member has to somebody else: as if
   * for the first time, or before its lease was over.
   */
  get #isShaken(): boolean {
    const { reconnectedAt } = this.#engine.connection;
    return performance.now() < reconnectedAt + this.group.usualLeaseMs;
  }

  /** Begins with a delivery whose turn it is. */
  async begin(first: Parked): Promise<void> {
    const { head } = this.line;
    const isKnown = head?.position === first.place.position;
    const record = isKnown ? head : undefined;
    await this.#exclusive(async () => {
      if (this.#isOver || performance.now() >= this.#until) return this.#drop();
      if (this.leaseMs !== this.group.usualLeaseMs && !(await this.#renew())) return this.#drop();
      const { delivery } = first.message;
      const before = { group: this.group, now: this.#engine.clock.now() };
      const attempt = isUnbegun(first, this.#line.known, before)
        ? FIRST
        : attemptAfter(record, delivery > 1);
      const { run, message } = first;
      const front = this.#frontOf(first, { ...attempt, record, run, link: message.link });
      const isNoted = delivery > 1 || isKnown || this.#isShaken;
      if (isNoted && !(await this.#note(front))) return undefined;
      this.#front = front;
      return undefined;
    });
    await this.#offer();
  }

  /** Goes on behind what the message stands for. */
  async resume(): Promise<void> {
    await this.#exclusive(() => this.#advance(true));
    await this.#offer();
  }

  /** It waits here, unacknowledged. */
  park(parked: Parked): void {
    if (this.#isOver) {
      this.#owner.onHomeless(this.group, this.bucket, [parked]);
      return;
    }
    const { position } = parked.place;
    const others = this.#parked.filter(({ place }) => place.position !== position);
    this.#parked = [...others, parked].toSorted((a, b) => a.place.position - b.place.position);
  }

  /** Those that wait here need the consumer no more. */
  absorbParked(): Promise<void> {
    return this.absorb(this.#parked.splice(0));
  }

  /** They need the consumer no more: whoever has the lane gets to them by the log. */
  async absorb(delivered: readonly Parked[]): Promise<void> {
    const parked = this.#stillHeld(delivered);
    if (parked.length === 0) return;
    const isDone = await this.#exclusive(async () => {
      if (this.#isOver) return false;
      if (this.#front === undefined && this.line.token === undefined) {
        // Nothing stands for the key just now: one of these will.
        for (const one of parked) this.park(one);
        return true;
      }
      // One of them may have had its turn meanwhile.
      const front = this.#front?.candidate.place.position ?? this.line.settled;
      const behind = parked.filter(({ place }) => place.position > front);
      if (behind.length === 0) return true;
      const last = Math.max(...behind.map(({ place }) => place.position));
      const isWritten = await this.#change((line) => ({
        ...line,
        absorbed: Math.max(line.absorbed, last),
        count: line.count + behind.length,
      }));
      if (isWritten) this.#forget(behind);
      return isWritten;
    });
    if (!isDone) this.#owner.onHomeless(this.group, this.bucket, parked);
  }

  /** Hands a front over: the right to settle it, as long as it is the front. `undefined` when somebody has it. */
  take(front: Front): Hold | undefined {
    if (this.front !== front || this.isLost) return undefined;
    this.#isTaken = true;
    this.#since = performance.now();
    const untilOf = (): number => {
      if (this.#front === front) return this.#until;
      return this.#late?.front === front ? this.#late.until : 0;
    };
    const late = (work: (late: LateFront) => Promise<boolean>) => this.#doLate(front, work);
    const isInTime = (): boolean => this.#front === front && !this.isLost;
    return {
      get until() {
        return untilOf();
      },
      settle: () => (isInTime() ? this.#settle(front) : late((one) => one.settle())),
      settleLate: () => late((one) => one.settle()),
      giveBack: (how) =>
        isInTime() ? this.#giveBack(front, how) : late((one) => one.giveBack(how)),
      extend: (ms) => (isInTime() ? this.#extend(ms) : late((one) => one.revive(ms))),
      revive: (ms) => late((one) => one.revive(ms)),
    };
  }

  /** Does something with a front the lease on which is over. */
  #doLate(front: Front, work: (late: LateFront) => Promise<boolean>): Promise<boolean> {
    return this.#exclusive(async () => {
      if (this.#front === front) this.#drop();
      if (this.#late?.front !== front || !(await this.#isStored(front))) return false;
      return (await work(this.#late)) && (await this.#isCurrent());
    });
  }

  /** Before this process lets it go: notes until when its front is held, for whoever counts. */
  noteHeld(): Promise<void> {
    return this.#exclusive(async () => {
      const front = this.#front;
      if (front === undefined || !this.#isTaken || this.isLost) return;
      const until = this.#engine.clock.now() + (this.#until - performance.now());
      await this.#lateOf(front).note(Math.round(until));
    });
  }

  async #settle(front: Front): Promise<boolean> {
    const isDone = await this.#exclusive(async () => {
      if (!(await this.#isMine(front))) return false;
      const atHand = this.#parked[0]?.place.position;
      const behind = { token: this.#token, atHand };
      const isWritten = await this.#change((line) => lineBehind(front, line, behind));
      if (!isWritten) return false;
      if (!(await this.#isCurrent())) {
        this.#drop();
        return false;
      }
      if (this.line.token === undefined) this.#forgetToken();
      this.#engine.settled.add(this.group.incarnation, front.candidate.id);
      this.#run = front.run;
      this.#front = undefined;
      this.#isTaken = false;
      return true;
    });
    if (isDone) this.#engine.later(() => this.moveOn());
    return isDone;
  }

  /**
   * Whether the group wasn't moved or removed meanwhile: then the line is nobody's, and nobody refuses to change it. Whoever
   * did that has told of it before its call has ended, so that an answer which is younger comes after the notice.
   */
  async #isCurrent(): Promise<boolean> {
    const { name, incarnation } = this.group;
    return (await this.#engine.groups.recall(name))?.incarnation === incarnation;
  }

  async #giveBack(front: Front, { attempts, failures, delayMs, turn }: GiveBack): Promise<boolean> {
    return this.#exclusive(async () => {
      if (!(await this.#isMine(front))) return false;
      const parked = this.#stillHeld(this.#parked.splice(0));
      const last = parked.at(-1)?.place.position ?? 0;
      const { position } = front.candidate.place;
      const { delivery, reply } = this.#token;
      const isWritten = await this.#change((line) => ({
        ...line,
        absorbed: Math.max(line.absorbed, last),
        count: line.count + parked.length,
        head: { position, delivery, attempts, failures, reply },
      }));
      if (!isWritten) {
        this.#owner.onHomeless(this.group, this.bucket, parked);
        return false;
      }
      this.#forget(parked);
      await turn?.come;
      if (this.isLost) {
        // The server isn't told any more. Whoever has been given it by now has seen what is noted.
        if (delayMs > 0) await this.#lateOf(front).giveBack({ attempts, failures, delayMs });
        this.#end(false);
        return true;
      }
      const what = delayMs > 0 ? deliverAgainIn(delayMs) : GIVE_BACK;
      const isSaid = await this.#say(what, { onSent: turn?.sent });
      this.#end(false);
      return isSaid;
    });
  }

  async #extend(ms: number): Promise<boolean> {
    const asked = performance.now();
    const done = await this.#say(leaseFor(ms, this.group.usualLeaseMs));
    if (done) this.#until = asked + ms;
    return done;
  }

  /** Gives the front back that nobody has taken, and what waits behind it. */
  async giveUp(delayMs: number = 0): Promise<void> {
    const front = this.#front;
    if (front === undefined || this.#isTaken) return;
    this.#isTaken = true;
    const { attempt, failures } = front;
    await this.#giveBack(front, { attempts: attempt - 1, failures, delayMs });
  }

  /** Resolves when nothing is on its way to the front. */
  async idle(): Promise<void> {
    await this.#tail;
  }

  /** Has it look whether the key is still this member's, if the connection broke since that was known. */
  confirm(): Promise<void> {
    return this.#exclusive(async () => {});
  }

  /** Its lease was lost. */
  lose(): void {
    this.#drop();
  }

  /** Makes the next event the front. */
  async moveOn(): Promise<void> {
    await this.#exclusive(async () => {
      if (!this.#isOver && this.#front === undefined) await this.#advance(false);
    });
    await this.#offer();
  }

  async #advance(isResumed: boolean): Promise<void> {
    try {
      while (!this.#isOver) {
        if (this.line.token === undefined) {
          await this.#nextParked();
          return;
        }
        if (await this.#nextAbsorbed(isResumed)) return;
      }
    } catch (error) {
      // Whoever is given the message that stands for it goes on.
      this.#drop();
      throw error;
    }
  }

  /** `false` when nothing is absorbed any more: then what comes next comes from the consumer. */
  async #nextAbsorbed(isResumed: boolean): Promise<boolean> {
    const { line } = this.#line.known;
    const { link } = this.#engine.connection;
    const next = await this.#engine.order.find(this.group, this.bucket, line.settled);
    if (next === undefined || next.position > line.absorbed) {
      // If more was absorbed meanwhile, it is looked for as well.
      const isWritten = await this.#changeNow(({ settled, at, turn }) => ({
        settled,
        at,
        absorbed: 0,
        count: 0,
        turn,
      }));
      if (isWritten) this.#forgetToken();
      return this.#isOver;
    }
    if (this.#isShort(isResumed) && !(await this.#renew())) {
      this.#drop();
      return true;
    }
    const candidate = candidateOf(next, this.#engine.names);
    const record = line.head?.position === next.position ? line.head : undefined;
    const { delivery } = this.#token;
    // Whoever takes over what is free notes it before a handler begins.
    const isRepeated = line.isFree !== true && delivery > (line.since ?? delivery);
    const attempt = attemptAfter(record, isRepeated);
    const front = this.#frontOf(candidate, { ...attempt, record, run: 0, link });
    const isNoted = isResumed || this.#isShaken;
    if (isNoted && !(await this.#note(front))) return true;
    this.#front = front;
    return true;
  }

  /**
   * Whether the lease has to be renewed before an event is handed over: little is left of it, or the server has given the token
   * for another length than was asked for.
   */
  #isShort(isNewToken: boolean): boolean {
    if (isNewToken && this.leaseMs !== this.group.usualLeaseMs) return true;
    return this.#until - performance.now() < this.leaseMs * LEFT;
  }

  async #nextParked(): Promise<void> {
    const { settled } = this.line;
    const over = this.#parked.filter(({ place }) => place.position <= settled);
    this.#parked = this.#parked.slice(over.length);
    this.#forget(over);
    const [first] = this.#parked;
    if (first === undefined) {
      this.#end(true);
      return;
    }
    const isSure = this.#run !== 0 && first.run === this.#run;
    const next = isSure
      ? first.place
      : await this.#engine.order.find(this.group, this.bucket, settled);
    if (next?.position !== first.place.position) {
      // An earlier one is somebody else's; or none is in the log any more.
      this.#end(true);
      return;
    }
    // Meanwhile others may have come, or all that waited may be on its way to the log.
    this.#parked = this.#parked.filter((one) => one !== first);
    this.#token = first.message;
    this.#isTokenDone = false;
    this.#until = first.until;
    if (this.#isShort(true) && !(await this.#renew())) {
      this.#drop();
      return;
    }
    // It came before its turn, so no handler has had it before.
    const { run, message } = first;
    const front = this.#frontOf(first, { ...FIRST, record: undefined, run, link: message.link });
    const isNoted = first.message.delivery > 1 || this.#isShaken;
    if (isNoted && !(await this.#note(front))) return;
    this.#front = front;
  }

  /** Tells the member of its front, if there is one. */
  async #offer(): Promise<void> {
    if (this.#front === undefined || this.#isOver) return;
    this.#since = performance.now();
    if (await this.#isFree()) this.#owner.onFront(this);
    // A redriven event of the key is handled.
    else await this.giveUp(LOOK_AGAIN_MS);
  }

  /** Whether no redriven event has the turn of the key; one that is settled has it no more, though nobody may know. */
  async #isFree(): Promise<boolean> {
    const { turn } = this.line;
    if (turn === undefined) return true;
    if (await isTaken(this.#engine, this.group, turn)) return false;
    return this.#exclusive(() =>
      this.#change((line) => (line.turn === turn ? { ...line, turn: undefined } : line)),
    );
  }

  #frontOf(
    candidate: Candidate,
    {
      record,
      ...from
    }: Omit<Front, "candidate" | "failures"> & {
      readonly record: Pick<DeliveryRecord, "failures"> | undefined;
    },
  ): Front {
    const failures = failuresBefore(from.attempt, record, this.#engine.clock.now());
    return { candidate, failures, ...from };
  }

  /** Whether it is still this member's to settle. */
  async #isMine(front: Front): Promise<boolean> {
    if (this.#isOver || this.#front !== front) return false;
    if (await this.#isStored(front)) return true;
    this.#drop();
    return false;
  }

  /** Whether the server has it, and what stands for the key, and hasn't lost them with the end of its log. */
  async #isStored({ candidate, link }: Front): Promise<boolean> {
    const { source } = candidate;
    const { position, time } = source;
    const token = this.#token;
    if (!(await this.#engine.hasStill(source.subject, { position, time, link }))) return false;
    const isSame = token.position === position;
    return isSame || this.#engine.hasStill(token.subject, token);
  }

  /** Notes which delivery has it: whoever had an earlier one can settle it no more. */
  #note({ candidate, attempt, failures }: Front): Promise<boolean> {
    const { position } = candidate.place;
    const { delivery } = this.#token;
    return this.#change((line) => ({
      ...line,
      head: { position, delivery, attempts: attempt, failures },
    }));
  }

  /** Writes a change; `false`, and the lane is over, when somebody else has the turn by now. */
  async #change(change: (line: KeyLine) => KeyLine): Promise<boolean> {
    for (;;) {
      if (await this.#changeNow(change)) return true;
      if (this.#isOver) return false;
    }
  }

  /** Writes a change if the line is as known; `false` when it wasn't, and then it is known anew, or the lane is over. */
  async #changeNow(change: (line: KeyLine) => KeyLine): Promise<boolean> {
    const result = await this.#line.change(this.#token, change);
    if (result === "lost") this.#drop();
    return result === "written";
  }

  /** `false` also where the lease is over: then it may be somebody else's, though the server would take it. */
  async #renew(): Promise<boolean> {
    return performance.now() < this.#until && this.#extend(this.leaseMs);
  }

  #stillHeld(parked: readonly Parked[]): readonly Parked[] {
    const held = stillHeld(parked);
    if (held.length < parked.length) this.#owner.onLapsed();
    return held;
  }

  #forget(done: readonly Pick<Parked, "message">[]): void {
    for (const { message } of done) this.#engine.tell(message, ACK);
  }

  #forgetToken(): void {
    this.#forget([{ message: this.#token }]);
    this.#isTokenDone = true;
  }

  /** The turn is somebody else's. */
  #drop(): void {
    if (this.#isOver) return;
    const parked = this.#stillHeld(this.#parked.splice(0));
    for (const { message } of parked) this.#engine.tell(message, GIVE_BACK);
    const [front, isTaken, isLapsed] = [this.#front, this.#isTaken, this.isLost];
    const late = front && this.#lateOf(front);
    this.#late = isTaken ? late : undefined;
    this.#end(false);
    const { clock } = this.#engine;
    if (late === undefined || !isLapsed) return;
    this.#engine.later(() => this.#exclusive(() => late.note(clock.now(), !isTaken)));
  }

  #lateOf(front: Front): LateFront {
    const { usualLeaseMs, incarnation } = this.group;
    return new LateFront({
      engine: this.#engine,
      line: this.#line,
      token: this.#token,
      front,
      usualLeaseMs,
      incarnation,
      say: (what) => this.#say(what, { mayStill: () => true }),
    });
  }

  #end(isSettled: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#front = undefined;
    this.#owner.onOver(this, isSettled);
    // They came while it ended.
    this.#owner.onHomeless(this.group, this.bucket, this.#parked.splice(0));
  }

  #say(what: string, options: Saying = {}): Promise<boolean> {
    const { groups, connection } = this.#engine;
    const told = { ...groups.incarnations.addressOf(this.group, "log"), ...this.#token };
    const mayStill = (): boolean => !this.#isOver;
    return acknowledge(connection, told, what, { mayStill, ...options });
  }

  /** A server that was killed may have lost what is known of the line, and given the key to somebody else. */
  async #confirmed(): Promise<void> {
    if (this.#isOver) return;
    const { link } = this.#engine.connection;
    const isMine = await this.#line.confirm(this.#token);
    if (isMine && !(await this.#engine.hasLost(this.#line.known))) this.#link = link;
    else this.#drop();
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(() =>
      this.#link === this.#engine.connection.link ? work() : this.#confirmed().then(work),
    );
    this.#tail = mine.catch(() => {});
    return mine;
  }
}
