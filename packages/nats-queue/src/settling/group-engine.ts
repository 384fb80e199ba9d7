import { type DeadLetterNotice, QueueError } from "@ringrift/event-queue";
import { statedPolicy, type StoredGroupPolicy } from "@ringrift/event-queue/backend";
import type { Connection } from "../connection/connection.ts";
import type { DeadLetterStore } from "./dead-letter-store.ts";
import { DeliveryRecords } from "../groups/delivery-records.ts";
import type { Group } from "../groups/group.ts";
import type { GroupStore } from "../groups/group-store.ts";
import { KeyLines } from "../groups/key-lines.ts";
import { NextOfKey } from "./next-of-key.ts";
import type { Names } from "../server/names.ts";
import { CLOCK_SLACK_MS } from "../messages/event-message.ts";
import { type RawMessage, UNKNOWN_LINK } from "../messages/raw-message.ts";
import type { KnownLine } from "../groups/key-line.ts";
import { isStillStored, type Stored } from "../messages/still-stored.ts";
import { SettledMemory } from "./settled-memory.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { SkipCount } from "../groups/skip-count.ts";
import type { StateStore } from "../messages/state-store.ts";

/** Something of a member that has events which nobody has asked for. */
export interface Holder {
  /** Those that wait for their turn, of which group. */
  readonly parked?: { readonly incarnation: string; readonly count: number };
  /** Gives them back. */
  giveUp(): Promise<void>;
}

/** What members of groups work with. */
export class GroupEngine {
  readonly connection: Connection;
  readonly names: Names;
  readonly state: StateStore;
  readonly clock: ServerClock;
  readonly groups: GroupStore;
  readonly letters: DeadLetterStore;
  readonly skips: SkipCount;
  readonly records: DeliveryRecords;
  readonly lines: KeyLines;
  readonly order: NextOfKey;
  readonly settled: SettledMemory = new SettledMemory();
  /** What members have that nobody has asked for. */
  readonly holders: Set<Holder> = new Set();
  /** Counts work as a call of the instance: it is refused when that is closed, and a close waits for it. */
  readonly use: <T>(work: () => Promise<T>) => Promise<T>;
  /** Told of each event that became a dead letter. */
  readonly onDeadLetter: (notice: DeadLetterNotice) => void;
  /** Position before the first event that was stored at or after a moment. */
  readonly positionBefore: (time: number) => Promise<number>;
  readonly #report: (error: unknown) => void;
  /** When each group was last noted as served, on the monotone clock. */
  readonly #touched = new Map<string, number>();
  /** When this instance last served each group, by the server's clock. */
  readonly #served = new Map<string, number>();

  constructor(parts: {
    readonly connection: Connection;
    readonly names: Names;
    readonly state: StateStore;
    readonly clock: ServerClock;
    readonly groups: GroupStore;
    readonly letters: DeadLetterStore;
    readonly skips: SkipCount;
    readonly use: <T>(work: () => Promise<T>) => Promise<T>;
    readonly report: (error: unknown) => void;
    readonly onDeadLetter: (notice: DeadLetterNotice) => void;
    readonly positionBefore: (time: number) => Promise<number>;
  }) {
    this.positionBefore = parts.positionBefore;
    this.onDeadLetter = parts.onDeadLetter;
    this.connection = parts.connection;
    this.names = parts.names;
    this.state = parts.state;
    this.clock = parts.clock;
    this.groups = parts.groups;
    this.letters = parts.letters;
    this.skips = parts.skips;
    this.records = new DeliveryRecords(parts.state, parts.names);
    this.lines = new KeyLines(parts.state, parts.names);
    this.order = new NextOfKey(parts.connection, parts.names);
    this.use = parts.use;
    this.#report = parts.report;
  }

  /** What holds for a group's member now; `undefined` when the group was moved or removed. */
  async policyNow({ name, incarnation, given }: Group): Promise<StoredGroupPolicy | undefined> {
    const now = await this.groups.find(name);
    if (now?.incarnation !== incarnation) return undefined;
    return given === undefined ? now.policy : statedPolicy(now.policy, given);
  }

  /** How many events of the group wait at members of this process for their turn. */
  parkedOf({ incarnation }: Group): number {
    let count = 0;
    for (const holder of this.holders) {
      if (holder.parked?.incarnation === incarnation) count += holder.parked.count;
    }
    return count;
  }

  /** Tidying that nobody waits for; its failure is reported, and what is left does no harm. */
  later(work: () => Promise<unknown>): void {
    this.use(work).catch((error: unknown) => {
      const isClosed = error instanceof QueueError && error.code === "QUEUE_CLOSED";
      if (!isClosed) this.#report(error);
    });
  }

  /** Notes that a group is served: often enough for its expiry, and no oftener. */
  touch(group: Group): void {
    const { name, policy, incarnation } = group;
    this.#served.set(name, this.clock.now());
    const now = performance.now();
    const pause = Math.min(60_000, policy.expireAfterMs / 10);
    if (now - (this.#touched.get(incarnation) ?? Number.NEGATIVE_INFINITY) < pause) return;
    this.#touched.set(incarnation, now);
    this.later(() => this.state.put(this.names.touched(name), incarnation));
  }

  /** When a member last served the group, as far as this instance knows. */
  async lastServedAt(group: Group): Promise<number> {
    const entry = await this.state.get(this.names.touched(group.name));
    // Whoever moves a group, or changes it by hand, doesn't serve it; one that nobody has served yet was made then.
    return Math.max(entry?.time ?? group.writtenAt, this.#served.get(group.name) ?? 0);
  }

  /**
   * Tells the server something of a delivery, where nobody has to know whether it heard: it delivers the event again
   * otherwise.
   */
  tell(message: RawMessage, what: string): void {
    const say = (): void => {
      try {
        this.connection.nats.publish(message.reply, what);
      } catch {
        // The connection is closed.
      }
    };
    if (message.link === this.connection.link) {
      say();
      return;
    }
    // Where nobody knows, nothing is said.
    const look = async (): Promise<void> => {
      if (await this.hasStill(message.subject, message)) say();
    };
    this.use(look).catch(() => {});
  }

  /**
   * Whether the server has lost the event that a line counts as settled last, with the end of its log. Where the line was
   * written since the connection was made, whoever wrote it has looked.
   */
  async hasLost({ line, writtenAt }: KnownLine): Promise<boolean> {
    const { settled: position, at: time } = line;
    const madeAt = this.clock.now() - (performance.now() - this.connection.madeAt);
    if (time === 0 || writtenAt > madeAt + CLOCK_SLACK_MS) return false;
    return !(await this.hasStill("", { position, time, link: UNKNOWN_LINK }));
  }

  /** Whether the server still has an event that was read, or what was redriven; `subject` says in which stream. */
  hasStill(subject: string, stored: Stored): Promise<boolean> {
    const { connection, names } = this;
    const stream = names.isRedriven(subject) ? names.deadStream : names.stream;
    return connection.persist("settling an event", () => isStillStored(connection, stream, stored));
  }
}
