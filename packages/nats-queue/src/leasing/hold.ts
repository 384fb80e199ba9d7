import { runDetached } from "@ringrift/envelope";
import { ACK, acknowledge, leaseFor } from "../messages/acknowledge.ts";
import type { DeliveryRecord } from "../groups/delivery-records.ts";
import type { GroupEngine } from "../settling/group-engine.ts";
import type { Group, Lane } from "../groups/group.ts";
import { headerId } from "../messages/letter-copies.ts";
import type { RawMessage } from "../messages/raw-message.ts";

/** How long the note of a late ack is kept. */
const LATE_NOTE_MS = 10_000;

/** The right to settle one event, and how it ends. Each resolves to `false` when it was lost. */
export interface Hold {
  /** On the monotone clock. */
  readonly until: number;
  /** @param how - what the server is told of the delivery */
  settle(how: string): Promise<boolean>;
  /** Settles it after its lease has ended, unless somebody else was given it, or it was settled or given back. */
  settleLate(): Promise<boolean>;
  /** @param attempts - how many count from now on */
  giveBack(attempts: number, failures: DeliveryRecord["failures"], how: string): Promise<boolean>;
  extend(ms: number): Promise<boolean>;
}

/** What a member's right to an event of no key, or to a redriven one, is made of. */
export interface Held {
  readonly group: Group;
  readonly lane: Lane;
  readonly message: RawMessage;
  /** In its stream: of the log, or of dead letters. */
  readonly position: number;
  readonly id: string;
  /** Of its record; 0 when it has none. */
  readonly recordRevision: number;
  /** On the monotone clock. */
  readonly until: number;
  /** Called when it holds no more, whatever became of it. */
  readonly onEnd: () => void;
  /** Done before it is settled. */
  readonly beforeSettled?: (() => Promise<void>) | undefined;
}

/** The right to one delivery of a consumer, which knows nothing of others. */
export class DeliveryHold implements Hold {
  readonly #engine: GroupEngine;
  readonly #held: Held;
  #until: number;
  #recordRevision: number;

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
    const { group, lane, id, message, beforeSettled } = this.#held;
    const { records, letters, settled } = this.#engine;
    await beforeSettled?.();
    const done = await this.#say(how);
    this.#end();
    if (!done) return false;
    if (lane === "log") settled.add(group.incarnation, id);
    if (how === ACK && (await this.#hasOldLetter())) await this.#noteDone();
    else if (this.#recordRevision > 0)
      this.#engine.later(() => records.remove(this.#recordRevision));
    if (lane === "redriven") this.#engine.later(() => letters.remove(message.position));
    return true;
  }

  /** Whoever is given it after this one notes so before it begins: so the note decides who was first. */
  async settleLate(): Promise<boolean> {
    if (this.#until === 0) return false;
    const { group, lane, id, message, position, beforeSettled } = this.#held;
    const { connection, groups, records, letters, settled } = this.#engine;
    const { delivery } = message;
    const done = { id, delivery, attempts: 0, idle: false, isDone: true, failures: [] } as const;
    const revision = await records.swap(group, lane, position, done, this.#recordRevision);
    this.#end();
    if (revision === undefined) return false;
    await beforeSettled?.();
    const told = { ...groups.incarnations.addressOf(group, lane), ...message };
    if (!(await acknowledge(connection, told, ACK, () => true))) return false;
    if (lane === "log") settled.add(group.incarnation, id);
    if (!(await this.#hasOldLetter())) {
      // Not at once: somebody may be about to begin it, and look for the note.
      const remove = (): void => this.#engine.later(() => records.remove(revision));
      runDetached(() => setTimeout(remove, LATE_NOTE_MS).unref());
    }
    if (lane === "redriven") this.#engine.later(() => letters.remove(message.position));
    return true;
  }

  async giveBack(
    attempts: number,
    failures: DeliveryRecord["failures"],
    how: string,
  ): Promise<boolean> {
    const { group, lane, message, position, id } = this.#held;
    const ackTo = group.policy.skipAfterMs === null ? {} : { ackTo: message.reply };
    const { delivery } = message;
    const record = { id, delivery, attempts, idle: true, failures, ...ackTo };
    const { records } = this.#engine;
    const put = (known: number) => records.swap(group, lane, position, record, known);
    let revision = await put(this.#recordRevision);
    if (revision === undefined && this.#recordRevision === 0) {
      // A first delivery: what is there is another event's that had this position.
      const found = await records.get(group, lane, position, id);
      if (found.record === undefined) revision = await put(found.revision);
    }
    if (revision === undefined) {
      this.#end();
      return false;
    }
    this.#recordRevision = revision;
    const done = await this.#say(how);
    this.#end();
    return done;
  }

  async extend(ms: number): Promise<boolean> {
    const asked = performance.now();
    const done = await this.#say(leaseFor(ms, this.#held.group.usualLeaseMs));
    if (done) this.#until = asked + ms;
    return done;
  }

  /** Whether it died before the group was moved back. */
  async #hasOldLetter(): Promise<boolean> {
    const { group, lane, message, position } = this.#held;
    const { letters, names } = this.#engine;
    if (lane !== "log" || position > (group.lettersUpTo ?? 0)) return false;
    const type = names.typeOf(message.subject);
    return letters.has(group.name, { type, position, id: headerId(message) });
  }

  /** Tells whoever redrives that letter that the group has the event no more. */
  async #noteDone(): Promise<void> {
    const { group, lane, message, position, id } = this.#held;
    const { delivery } = message;
    const record = { id, delivery, attempts: 0, idle: false, isDone: true, failures: [] } as const;
    await this.#engine.records.swap(group, lane, position, record, this.#recordRevision);
  }

  #end(): void {
    if (this.#until === 0) return;
    this.#until = 0;
    this.#held.onEnd();
  }

  #say(what: string): Promise<boolean> {
    const { group, lane, message } = this.#held;
    const told = { ...this.#engine.groups.incarnations.addressOf(group, lane), ...message };
    return acknowledge(this.#engine.connection, told, what, () => performance.now() < this.#until);
  }
}
