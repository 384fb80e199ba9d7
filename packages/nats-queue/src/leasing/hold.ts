import { randomUUID } from "node:crypto";
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
import type { Group, Lane } from "../groups/group.ts";
import { headerId } from "../messages/letter-copies.ts";
import type { RawMessage } from "../messages/raw-message.ts";
import type { ReleaseTurn } from "./release-order.ts";

/** How long a settled event keeps its record if a lease on it ran out: the holder of that lease may come back and compare. */
const DONE_NOTE_MS = 6 * 60 * 60_000;
/** A holder may come back so long after its lease has ended. Later, the record may be gone that says who has the event. */
const LATEST_MS = DONE_NOTE_MS / 2;
const DONE = { attempts: 0, idle: false, isDone: true, failures: [] } as const;

/** What is noted of an event that is given back, and when it may be begun again. */
export interface GiveBack {
  /** How many count from now on. */
  readonly attempts: number;
  readonly failures: DeliveryRecord["failures"];
  /** 0 for at once. */
  readonly delayMs: number;
  /** Before the server is told. */
  readonly turn?: ReleaseTurn | undefined;
}

/**
 * The right to settle one event, and how it ends. Each resolves to `false` when it was lost. After its lease has run out only
 * `settleLate`, `giveBack` and `revive` are asked for, and they are lost once somebody else was given the event.
 */
export interface Hold {
  /** On the monotone clock. */
  readonly until: number;
  /** @param how - what the server is told of the delivery */
  settle(how: string): Promise<boolean>;
  /** Settles it after its lease has ended. */
  settleLate(): Promise<boolean>;
  /** Also after its lease has ended. */
  giveBack(how: GiveBack): Promise<boolean>;
  extend(ms: number): Promise<boolean>;
  /** Holds it again after its lease has ended. */
  revive(ms: number): Promise<boolean>;
}

/** What a member's right to an event of no key, or to a redriven one, is made of. */
export interface Held {
  readonly group: Group;
  readonly lane: Lane;
  readonly message: RawMessage;
  /** In its stream: of the log, or of dead letters. */
  readonly position: number;
  readonly id: string;
  /** Which one it is, with what failed before. */
  readonly attempt: number;
  readonly failures: DeliveryRecord["failures"];
  /** A lease on it ran out before. */
  readonly wasLost?: true | undefined;
  /** Of its record; 0 when it has none. */
  readonly recordRevision: number;
  /** On the monotone clock. */
  readonly until: number;
  /** Called when it holds no more, whatever became of it. */
  readonly onEnd: () => void;
  /** Called when it ends at another time. */
  readonly onExtend?: (() => void) | undefined;
  /** Done before it is settled. */
  readonly beforeSettled?: (() => Promise<void>) | undefined;
}

/** How something is noted of an event. */
interface Noting {
  /** Who held it again until now. */
  readonly holder?: string | undefined;
  /** Until the server forgets the note; without it, it is kept. */
  readonly lastsMs?: number | undefined;
}

/** The right to one delivery of a consumer, which knows nothing of others. */
export class DeliveryHold implements Hold {
  readonly #engine: GroupEngine;
  readonly #held: Held;
  #until: number;
  #recordRevision: number;
  /** What holds it again after its lease had run out. */
  #holder: string | undefined;
  #isEnded = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(engine: GroupEngine, held: Held) {
    this.#engine = engine;
    this.#held = held;
    this.#until = held.until;
    this.#recordRevision = held.recordRevision;
  }

  get until(): number {
    return this.#until;
  }

  get lane(): Lane {
    return this.#held.lane;
  }

  async settle(how: string): Promise<boolean> {
    if (this.#holder !== undefined) return this.settleLate();
    const { group, lane, id, message, wasLost, beforeSettled } = this.#held;
    const { records, letters, settled } = this.#engine;
    await beforeSettled?.();
    const done = await this.#say(how);
    this.#end();
    if (!done) return false;
    if (lane === "log") settled.add(group.incarnation, id);
    if (how === ACK && (await this.#hasOldLetter())) await this.#note(DONE);
    else if (wasLost === true)
      this.#engine.later(() => this.#note(DONE, { lastsMs: DONE_NOTE_MS }));
    else if (this.#recordRevision > 0)
      this.#engine.later(() => records.remove(this.#recordRevision));
    if (lane === "redriven") this.#engine.later(() => letters.remove(message.position));
    return true;
  }

  /** Whoever is given it after this one notes so before it begins: so the note decides who was first. */
  settleLate(): Promise<boolean> {
    return this.#exclusive(async () => {
      if (this.#isEnded) return false;
      const { group, lane, id, message, beforeSettled } = this.#held;
      const { letters, settled } = this.#engine;
      // Somebody may be about to begin it, and look for the note; whoever redrives its letter looks at any time.
      const lastsMs = (await this.#hasOldLetter()) ? undefined : DONE_NOTE_MS;
      const isNoted = this.#mayComeBack() && (await this.#note(DONE, { lastsMs }));
      this.#end();
      if (!isNoted) return false;
      await beforeSettled?.();
      if (!(await this.#say(ACK, { mayStill: () => true }))) return false;
      if (lane === "log") settled.add(group.incarnation, id);
      if (lane === "redriven") this.#engine.later(() => letters.remove(message.position));
      return true;
    });
  }

  giveBack({ attempts, failures, delayMs, turn }: GiveBack): Promise<boolean> {
    return this.#exclusive(async () => {
      if (this.#isEnded) return false;
      const { group, message } = this.#held;
      const note = (notBefore?: number): Promise<boolean> =>
        this.#note({
          attempts,
          idle: true,
          failures,
          notBefore,
          ...(group.policy.skipAfterMs !== null && { ackTo: message.reply }),
        });
      const noteLate = () => note(delayMs > 0 ? this.#engine.clock.now() + delayMs : undefined);
      const isLate = this.#isLate;
      const isNoted = isLate ? this.#mayComeBack() && (await noteLate()) : await note();
      if (!isNoted) {
        this.#end();
        return false;
      }
      await turn?.come;
      // Once the server may have given it to somebody, it isn't told: it would give it to a third one, whatever they do.
      let isDone = true;
      if (!this.#isLate) {
        const what = delayMs > 0 ? deliverAgainIn(delayMs) : GIVE_BACK;
        isDone = await this.#say(what, { onSent: turn?.sent });
      } else if (!isLate && delayMs > 0) await noteLate();
      this.#end();
      return isDone;
    });
  }

  async extend(ms: number): Promise<boolean> {
    if (this.#holder !== undefined) return this.revive(ms);
    const asked = performance.now();
    const done = await this.#say(leaseFor(ms, this.#held.group.usualLeaseMs));
    if (done) {
      this.#until = asked + ms;
      this.#held.onExtend?.();
    }
    return done;
  }

  revive(ms: number): Promise<boolean> {
    return this.#exclusive(async () => {
      if (this.#isEnded) return false;
      const { group, attempt, failures } = this.#held;
      const asked = performance.now();
      const until = this.#engine.clock.now() + ms;
      const before = this.#holder;
      this.#holder ??= randomUUID();
      const held = { until, notBefore: until, holder: this.#holder };
      const record = { attempts: attempt, idle: false, failures, ...held };
      if (!this.#mayComeBack() || !(await this.#note(record, { holder: before }))) {
        this.#end();
        return false;
      }
      // Where the server gives it to somebody all the same, they give it back.
      if (!(await this.#say(leaseFor(ms, group.usualLeaseMs), { mayStill: () => true })))
        return false;
      this.#until = asked + ms;
      return true;
    });
  }

  /** Notes until when it was held, or will have been: so that whoever counts knows. `until` is by the server's clock. */
  noteHeld(until: number): Promise<void> {
    return this.#exclusive(async () => {
      if (this.#isEnded || this.#holder !== undefined) return;
      const { group, attempt, failures } = this.#held;
      const now = await this.#engine.groups.recall(group.name);
      if (now?.incarnation !== group.incarnation) return;
      await this.#note({ attempts: attempt, idle: false, failures, until });
    });
  }

  /** `false` when somebody else has noted something of it meanwhile. */
  async #note(
    note: Omit<DeliveryRecord, "id" | "delivery">,
    { holder = this.#holder, lastsMs }: Noting = {},
  ): Promise<boolean> {
    const { group, lane, position, id, message, wasLost } = this.#held;
    const { records } = this.#engine;
    const record = { id, delivery: message.delivery, wasLost, ...note };
    for (;;) {
      const known = this.#recordRevision;
      const revision = await records.swap(group, lane, position, record, known, lastsMs);
      if (revision !== undefined) {
        this.#recordRevision = revision;
        return true;
      }
      const found = await records.get(group, lane, position, id);
      // Whoever was given it, and may not begin it yet, has noted that it was delivered.
      const isMine = holder !== undefined && found.record?.holder === holder;
      // A first delivery: what is there is another event's that had this position.
      const isOld = this.#recordRevision === 0 && found.record === undefined && found.revision > 0;
      if (!isMine && !isOld) return false;
      this.#recordRevision = found.revision;
    }
  }

  /** Whether it died before the group was moved back. */
  async #hasOldLetter(): Promise<boolean> {
    const { group, lane, message, position } = this.#held;
    const { letters, names } = this.#engine;
    if (lane !== "log" || position > (group.lettersUpTo ?? 0)) return false;
    const type = names.typeOf(message.subject);
    return letters.has(group.name, { type, position, id: headerId(message) });
  }

  /** Whether its lease has run out, be it held again since: somebody may have been given it, and not have noted that yet. */
  get #isLate(): boolean {
    return this.#holder !== undefined || performance.now() >= this.#until;
  }

  /** Whether what others have noted of it since its lease ran out is still there to be seen. */
  #mayComeBack(): boolean {
    return performance.now() < this.#until + LATEST_MS;
  }

  #end(): void {
    this.#until = 0;
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#held.onEnd();
  }

  #say(what: string, options: Saying = {}): Promise<boolean> {
    const { group, lane, message } = this.#held;
    const told = { ...this.#engine.groups.incarnations.addressOf(group, lane), ...message };
    const mayStill = (): boolean => performance.now() < this.#until;
    return acknowledge(this.#engine.connection, told, what, { mayStill, ...options });
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#tail.then(work);
    this.#tail = mine.catch(() => {});
    return mine;
  }
}
