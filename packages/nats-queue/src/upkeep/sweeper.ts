import type { StreamState } from "@nats-io/jetstream";
import { runDetached } from "@ringrift/envelope";
import { type BackendHost, groupExpired } from "@ringrift/event-queue/backend";
import { Cursor } from "../messages/cursor.ts";
import type { DelayedEvents } from "../log/delayed-events.ts";
import { consumerInfo } from "../groups/group-consumer.ts";
import { groupInfo, type GroupInfoParts } from "../settling/group-info.ts";
import type { Group } from "../groups/group.ts";
import type { KeyLines } from "../groups/key-lines.ts";
import type { LogWatch } from "./log-watch.ts";
import { LetterSweeper } from "./letter-sweeper.ts";
import type { CheckedOptions } from "../server/options.ts";
import type { Skipper } from "./skipper.ts";
import type { StoredIds } from "../log/stored-ids.ts";

/** How often an instance looks what may go. */
const LONGEST_PAUSE_MS = 30_000;
const NANOS = 1_000_000;

/** The parts of an engine that a sweeper works with. */
export interface SweeperParts extends GroupInfoParts {
  readonly delayed: DelayedEvents;
  readonly ids: StoredIds;
  readonly skipper: Skipper;
  readonly watch: Pick<LogWatch, "check">;
  readonly group: GroupInfoParts["group"] & { readonly lines: KeyLines };
}

/** Removes what need not be kept: events that every group has settled, and groups that nobody serves. */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #retention: CheckedOptions["retention"];
  readonly #host: BackendHost;
  readonly #letters: LetterSweeper;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(
    parts: SweeperParts,
    { retention, deadLetters }: Pick<CheckedOptions, "retention" | "deadLetters">,
    host: BackendHost,
  ) {
    this.#parts = parts;
    this.#retention = retention;
    this.#host = host;
    this.#letters = new LetterSweeper(parts, deadLetters);
  }

  start(): void {
    const pause = Math.min(LONGEST_PAUSE_MS, Math.max(1_000, this.#retention.ms / 4));
    const sweep = (): void => {
      // A server that is away is no news here: whoever calls is told.
      this.#host.inBackground(() => this.sweep()).catch(() => {});
    };
    this.#timer = runDetached(() => setInterval(sweep, pause).unref());
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Removes all that may go now. Calls at once are one. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Removes groups that nobody has served for their `expireAfterMs`; only this one when it is named. */
  async expireGroups(name?: string): Promise<void> {
    const { groups, group: members, clock } = this.#parts;
    const found = name === undefined ? await groups.all() : [await groups.find(name)];
    for (const group of found) {
      if (group === undefined) continue;
      const idleMs = clock.now() - (await members.lastServedAt(group));
      if (idleMs <= group.policy.expireAfterMs) continue;
      const { pending, deadLetters } = await groupInfo(this.#parts, group);
      // A work group that has anything left to do is waited for.
      if (!group.isReader && (pending > 0 || deadLetters > 0)) continue;
      if (await groups.remove(group.name, group)) {
        this.#host.onDropped("group-expired", pending);
        this.#host.onError(groupExpired(group, pending));
      }
    }
  }

  /** Position of the first event that a group may still need. */
  async floor(group: Group, newest: number): Promise<number> {
    const info = await consumerInfo(this.#parts, group, "log");
    // Whoever made the group hasn't made its consumer yet, or somebody deleted it: a member makes it again.
    if (info === undefined) return group.start + 1;
    if (info.num_ack_pending > 0) return info.ack_floor.stream_seq + 1;
    // Nothing is under way, and nothing that it reads is left up to the newest one there was.
    return info.num_pending === 0 ? newest + 1 : info.delivered.stream_seq + 1;
  }

  async #sweep(): Promise<void> {
    await this.#parts.watch.check();
    await this.expireGroups();
    await this.#parts.skipper.skipAll();
    const { connection, names, delayed, ids, group: members } = this.#parts;
    const { state, config } = await connection.persist("sweeping", () =>
      connection.jsm.streams.info(names.stream),
    );
    const groups = await this.#parts.groups.all();
    // Only what is surely gone from the log: what is removed just now is forgotten the next time.
    const oldest = state.messages === 0 ? state.last_seq + 1 : state.first_seq;
    if (state.messages > 0) await this.#trim(state, groups);
    await delayed.forget(config.duplicate_window / NANOS);
    const first = state.messages === 0 ? this.#parts.clock.now() : Date.parse(state.first_ts);
    await ids.forget(first - config.duplicate_window / NANOS);
    for (const group of groups) await members.lines.forget(group, oldest);
    await this.#parts.groups.incarnations.forgetGone();
    this.#host.onDropped("dead-letter-retention", await this.#letters.sweep());
  }

  /** Removes the events that retention lets go and no group needs. */
  async #trim(state: StreamState, groups: readonly Group[]): Promise<void> {
    const due = await this.#firstToKeep(state);
    if (due <= state.first_seq) return;
    const floors = await Promise.all(groups.map((group) => this.floor(group, state.last_seq)));
    const keep = Math.min(due, ...floors);
    if (keep <= state.first_seq) return;
    const { connection, names } = this.#parts;
    const { purged } = await connection.persist("sweeping", () =>
      connection.jsm.streams.purge(names.stream, { seq: keep }),
    );
    this.#host.onDropped("retention", purged);
  }

  /** What age, number and bytes ask for, whatever groups need. */
  async #firstToKeep(state: StreamState): Promise<number> {
    const { ms, events, bytes } = this.#retention;
    const wanted = [state.first_seq];
    const oldest = this.#parts.clock.now() - ms;
    if (Date.parse(state.first_ts) < oldest) wanted.push(await this.#firstSince(oldest));
    if (events !== undefined) wanted.push(state.last_seq - events + 1);
    if (bytes !== undefined && state.bytes > bytes) {
      // Events are of a size, more or less; what is left over goes with the next sweep.
      const share = (state.bytes - bytes) / state.bytes;
      wanted.push(state.first_seq + Math.ceil(state.messages * share));
    }
    return Math.min(Math.max(...wanted), state.last_seq + 1);
  }

  async #firstSince(since: number): Promise<number> {
    const { connection, names } = this.#parts;
    const cursor = new Cursor(connection, names.stream, { filters: [], since });
    try {
      return (await cursor.start()) + 1;
    } finally {
      await cursor.close();
    }
  }
}
