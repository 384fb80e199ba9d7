import type { StartFrom } from "@ringrift/envelope";
import { QueueError } from "@ringrift/event-queue";
import {
  type AdoptedGroup,
  type CheckedGroupChange,
  checkSameGroupPolicy,
  completeGroupPolicy,
  encodeGroupPolicy,
  type GivenGroupPolicy,
  groupIsReader,
  groupNotFound,
  groupPolicyChanged,
  groupStartUnstated,
  policyDifferences,
  statedPolicy,
} from "@ringrift/event-queue/backend";
import { forgetNote } from "./stored-claim.ts";
import type { Connection } from "../connection/connection.ts";
import { consumerInfo } from "./group-consumer.ts";
import { countMessages } from "../messages/cursor.ts";
import type { EventLog } from "../log/event-log.ts";
import { HEADER } from "../messages/event-message.ts";
import { Incarnations } from "./incarnations.ts";
import { headerId, LetterCopies } from "../messages/letter-copies.ts";
import { type EventInLog, newIncarnation, type Names } from "../server/names.ts";
import { type Group, toGroup } from "./group.ts";
import { readSubjects } from "../messages/read-subjects.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { StateStore } from "../messages/state-store.ts";
import { type ClaimParts, holderOf } from "./stored-claim.ts";

/** What is known of a group is asked for again after so long, in case nobody told of a change. */
const FRESH_MS = 2_000;

/** How long a note is young by which members look for redriven events of keys. */
const CARE_MS = 600_000;

/** The groups of a queue: their documents, and the consumers that stand for them in the server. */
export class GroupStore {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #states: StateStore;
  readonly #report: (error: unknown) => void;
  readonly #log: EventLog;
  readonly #clock: ServerClock;
  readonly incarnations: Incarnations;
  readonly #known = new Map<string, { readonly group: Group; readonly until: number }>();

  constructor(parts: {
    readonly connection: Connection;
    readonly names: Names;
    readonly state: StateStore;
    readonly log: EventLog;
    readonly clock: ServerClock;
    readonly report: (error: unknown) => void;
  }) {
    this.#connection = parts.connection;
    this.#names = parts.names;
    this.#states = parts.state;
    this.#report = parts.report;
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.incarnations = new Incarnations(parts);
  }

  /** What was known a moment ago is good enough; a change is told of. */
  async recall(name: string): Promise<Group | undefined> {
    const known = this.#known.get(name);
    if (known !== undefined && known.until > performance.now()) return known.group;
    return this.find(name);
  }

  async find(name: string): Promise<Group | undefined> {
    const askedAt = performance.now();
    const entry = await this.#states.get(this.#names.group(name));
    return entry === undefined ? this.#forget(name) : this.#remember(toGroup(entry), askedAt);
  }

  async all(): Promise<Group[]> {
    const entries = await this.#states.list(this.#names.groups);
    return entries.map(toGroup).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * The group, made now if need be; else what the member states is stored.
   *
   * @throws QueueError (rejects) `GROUP_CONFIG_MISMATCH`, `GROUP_START_UNSTATED`
   */
  async ensure(
    name: string,
    given: GivenGroupPolicy,
    requireFrom = false,
  ): Promise<{ readonly group: Group; readonly created: boolean }> {
    for (;;) {
      const found = await this.find(name);
      if (found !== undefined) {
        const stated = await this.#state(found, given);
        if (stated === undefined) continue;
        return { group: stated, created: false };
      }
      const start = await this.#log.startAfter(given.from ?? "beginning");
      if (requireFrom && given.from === undefined) await this.#refuseUnstated(name, given, start);
      const policy = completeGroupPolicy(given);
      const incarnation = newIncarnation(name);
      const isClaimed = (await holderOf(this.#claimParts, name)) !== undefined;
      const made = await this.#write({
        name,
        policy,
        id: incarnation,
        isReader: isClaimed && policy.eventTypes === null,
        usualLeaseMs: policy.leaseMs,
        incarnation,
        start,
        startedAt: this.#clock.now(),
        redrives: 0,
        revision: 0,
      });
      if (made === undefined) continue;
      await this.incarnations.makeConsumer(made, "log");
      return { group: made, created: true };
    }
  }

  /** Makes a group as it was in another queue; one that is there is moved if nobody was given anything of it. */
  async adopt({ name, policy, isReader, after, againUpTo }: AdoptedGroup): Promise<void> {
    for (;;) {
      const found = await this.find(name);
      if (found !== undefined && !(await this.#isUntouched(found))) return;
      const incarnation = newIncarnation(name);
      const made = await this.#write({
        name,
        policy,
        id: found?.id ?? incarnation,
        isReader,
        usualLeaseMs: policy.leaseMs,
        incarnation,
        start: after,
        startedAt: this.#clock.now(),
        redrives: found?.redrives ?? 0,
        adopted: { againUpTo },
        revision: found?.revision ?? 0,
      });
      if (made === undefined) continue;
      await this.incarnations.makeConsumer(made, "log");
      if (made.redrives > 0) await this.incarnations.makeConsumer(made, "redriven");
      if (found !== undefined) await this.incarnations.drop(found);
      this.tell(name);
      return;
    }
  }

  /** @throws QueueError (rejects) `GROUP_NOT_FOUND` */
  async configure(name: string, change: CheckedGroupChange): Promise<Group> {
    for (;;) {
      const group = await this.find(name);
      if (group === undefined) throw groupNotFound(name);
      const changed = await this.#write({ ...group, policy: statedPolicy(group.policy, change) });
      if (changed === undefined) continue;
      this.tell(name);
      return changed;
    }
  }

  /** Whoever holds the name reads by this group, if it reads every type. */
  async noteClaimed(name: string): Promise<void> {
    for (;;) {
      const group = await this.recall(name);
      if (group === undefined || group.isReader || group.policy.eventTypes !== null) return;
      if ((await this.#write({ ...group, isReader: true })) !== undefined) return;
    }
  }

  /**
   * Moves the cursor: the group goes on with new consumers, and whatever the old ones had is dropped.
   *
   * @throws QueueError (rejects) `GROUP_NOT_FOUND`
   */
  async seek(name: string, from: StartFrom): Promise<Group> {
    const start = await this.#log.startAfter(from);
    for (;;) {
      const group = await this.find(name);
      if (group === undefined) throw groupNotFound(name);
      const moved = await this.#write({
        ...group,
        incarnation: newIncarnation(name),
        start,
        lettersUpTo: await this.#lettersUpTo(name, start),
        startedAt: this.#clock.now(),
        redrives: 0,
        care: undefined,
        adopted: undefined,
      });
      if (moved === undefined) continue;
      await this.incarnations.makeConsumer(moved, "log");
      await this.#purgeRedriven(name);
      await this.incarnations.drop(group);
      this.tell(name);
      return moved;
    }
  }

  /** The group goes on behind another position, with a new consumer: what it counted from is gone. */
  async restart(group: Group, start: number): Promise<void> {
    const incarnation = newIncarnation(group.name);
    const lettersUpTo = await this.#lettersUpTo(group.name, start);
    const restarted = await this.#write({ ...group, incarnation, start, lettersUpTo });
    // Somebody else was faster.
    if (restarted === undefined) return;
    await this.incarnations.makeConsumer(restarted, "log");
    if (restarted.redrives > 0) await this.incarnations.makeConsumer(restarted, "redriven");
    await this.incarnations.drop(group);
    this.tell(group.name);
  }

  /** Removes a group with all it has; `false` when it isn't there, or isn't `only` any more. */
  async remove(name: string, only?: Group): Promise<boolean> {
    const group = only ?? (await this.find(name));
    if (group === undefined) return false;
    await this.#purgeLetters(name);
    await this.#purgeRedriven(name);
    const removed = await this.#states.remove(group.revision);
    this.#forget(name);
    if (!removed) return only === undefined ? this.remove(name) : false;
    // Before other requests: when these are answered, everybody was told.
    this.tell(name);
    await this.#states.purge(this.#names.touched(name));
    await this.#states.purge(this.#names.skipped(name));
    await forgetNote({ state: this.#states, names: this.#names }, name);
    await this.incarnations.drop(group);
    return true;
  }

  /** Notes that dead letters were given back to the group. */
  async noteRedrive(name: string): Promise<void> {
    for (;;) {
      const group = await this.find(name);
      if (group === undefined) return;
      const noted = await this.#write({ ...group, redrives: group.redrives + 1 });
      if (noted === undefined) continue;
      await this.incarnations.makeConsumer(noted, "redriven");
      this.tell(name);
      return;
    }
  }

  /** Has members look for redriven events of keys before they begin one of a key: all do so two seconds later. */
  async noteCare(name: string, now: number): Promise<void> {
    for (;;) {
      const group = await this.find(name);
      if (group === undefined) return;
      const care = { since: group.care?.since ?? now, notedAt: now };
      if ((await this.#write({ ...group, care })) === undefined) continue;
      this.tell(name);
      return;
    }
  }

  /**
   * No redriven event is left: nobody has to look any more. Not before the note is old: whoever has a new one relies on it
   * while it is young.
   */
  async endCare(group: Group): Promise<void> {
    const { care } = group;
    if (care === undefined || care.notedAt > this.#clock.now() - CARE_MS) return;
    await this.#write({ ...group, care: undefined });
  }

  /** Tells every instance that a group has changed, this one at once. */
  tell(name: string): void {
    this.#forget(name);
    this.#connection.nats.publish(this.#names.notice, JSON.stringify(name));
  }

  /** What a notice of another instance says. */
  heard(text: string): void {
    try {
      this.#forget(String(JSON.parse(text)));
    } catch {
      this.#known.clear();
    }
  }

  async #isUntouched(group: Group): Promise<boolean> {
    if (group.adopted === undefined) return false;
    const parts = { connection: this.#connection, groups: this };
    const lanes = await Promise.all([
      consumerInfo(parts, group, "log"),
      consumerInfo(parts, group, "redriven"),
    ]);
    return lanes.every((info) => (info?.delivered.consumer_seq ?? 0) === 0);
  }

  /** Stores what a member states; `undefined` when somebody else has changed the group meanwhile. */
  async #state(group: Group, given: GivenGroupPolicy): Promise<Group | undefined> {
    const { name, policy } = group;
    const { eventTypes } = given;
    if (group.isReader && eventTypes !== undefined) throw groupIsReader(name, eventTypes);
    if (given.isRequired === true) checkSameGroupPolicy(name, policy, given);
    if (
      eventTypes !== undefined &&
      JSON.stringify(eventTypes) !== JSON.stringify(policy.eventTypes)
    ) {
      throw otherTypes(name, policy.eventTypes, eventTypes);
    }
    const stated = statedPolicy(policy, given);
    const differences = policyDifferences(policy, stated);
    if (differences.length === 0) return group;
    const written = await this.#write({ ...group, policy: stated });
    if (written === undefined) return undefined;
    this.#report(groupPolicyChanged(name, differences));
    this.tell(name);
    return written;
  }

  async #refuseUnstated(name: string, given: GivenGroupPolicy, after: number): Promise<void> {
    const types = given.eventTypes?.map((type) => this.#names.eventsOf(type));
    const counts = await Promise.all(
      (types ?? [this.#names.allEvents]).map((filter) =>
        countMessages(this.#connection, this.#names.stream, { filters: [filter], after }),
      ),
    );
    const count = counts.reduce((sum, some) => sum + some, 0);
    if (count > 0) throw groupStartUnstated(name, count);
  }

  get #claimParts(): ClaimParts {
    return { state: this.#states, names: this.#names, clock: this.#clock };
  }

  async #write(group: Omit<Group, "writtenAt">): Promise<Group | undefined> {
    const { policy, revision, ...rest } = group;
    const { name, id, isReader, usualLeaseMs, incarnation, start, startedAt, redrives } = rest;
    const { care, adopted, lettersUpTo } = rest;
    const askedAt = performance.now();
    const text = JSON.stringify({
      name,
      policy: encodeGroupPolicy(policy),
      id,
      isReader,
      usualLeaseMs,
      incarnation,
      start,
      startedAt,
      redrives,
      care,
      adopted,
      lettersUpTo,
    });
    const written = await this.#states.swap(this.#names.group(name), text, revision);
    if (written === undefined) return this.#forget(name);
    const now = { ...group, revision: written, writtenAt: this.#clock.now() };
    return this.#remember(now, askedAt);
  }

  async #purgeRedriven(name: string): Promise<void> {
    await this.#purgeDead(this.#names.redriven(name, "*"));
  }

  /** With the copies of events that no other group has letters of. */
  async #purgeLetters(name: string): Promise<void> {
    const events = await this.#eventsOfLetters(name);
    await this.#purgeDead(this.#names.letters(name));
    const copies = new LetterCopies(this.#connection, this.#names);
    for (const { type, ...which } of events) await copies.release(type, which);
  }

  /** The last position behind `start` of which the group has a dead letter. */
  async #lettersUpTo(name: string, start: number): Promise<number | undefined> {
    const events = await this.#eventsOfLetters(name);
    const last = Math.max(0, ...events.map(({ position }) => position));
    return last > start ? last : undefined;
  }

  async #eventsOfLetters(name: string): Promise<(EventInLog & { type: string })[]> {
    const filter = this.#names.letters(name);
    const events: (EventInLog & { type: string })[] = [];
    for await (const { headers } of readSubjects(this.#connection, this.#names.deadStream, {
      filter,
    })) {
      const type = headers?.get(HEADER.type) ?? "";
      const position = Number(headers?.get(HEADER.position));
      events.push({ type, position, id: headerId({ headers }) });
    }
    return events;
  }

  async #purgeDead(filter: string): Promise<void> {
    await this.#connection.persist("removing dead letters", () =>
      this.#connection.jsm.streams.purge(this.#names.deadStream, { filter }),
    );
  }

  #remember(group: Group, askedAt: number): Group {
    this.#known.set(group.name, { group, until: askedAt + FRESH_MS });
    return group;
  }

  #forget(name: string): undefined {
    this.#known.delete(name);
    return undefined;
  }
}

function otherTypes(
  name: string,
  theirs: readonly string[] | null,
  mine: readonly string[],
): QueueError {
  const types = theirs === null ? "every type" : theirs.join(", ");
  return new QueueError(
    "GROUP_CONFIG_MISMATCH",
    `Group "${name}" wants ${types}, and this member ${mine.join(", ")}. On JetStream all members of a group want the same types for now. Give the new types a group of their own, or leave "eventTypes" out.`,
  );
}
