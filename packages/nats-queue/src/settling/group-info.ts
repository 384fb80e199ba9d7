import type { ConsumerInfo } from "@nats-io/jetstream";
import type { GroupInfo } from "@ringrift/event-queue";
import { type Backlog, shownPolicy } from "@ringrift/event-queue/backend";
import { consumerInfo, type ConsumerParts } from "../groups/group-consumer.ts";
import { countMessages } from "../messages/cursor.ts";
import type { DeadLetterStore } from "./dead-letter-store.ts";
import type { Group } from "../groups/group.ts";
import type { GroupStore } from "../groups/group-store.ts";
import type { KeyLines } from "../groups/key-lines.ts";
import type { Names } from "../server/names.ts";
import type { SkipCount } from "../groups/skip-count.ts";
import { type ClaimParts, holderOf } from "../groups/stored-claim.ts";

/** The parts of an engine that counting a group's events needs. */
export interface BacklogParts extends ConsumerParts {
  readonly groups: GroupStore;
  readonly names: Names;
}

/** The parts of an engine that `groupInfo()` needs. */
export interface GroupInfoParts extends BacklogParts, ClaimParts {
  readonly letters: DeadLetterStore;
  /** What members of groups note. */
  readonly group: {
    readonly skips: SkipCount;
    readonly records: {
      ofGroup(group: Group): Promise<readonly { readonly record: NotedDelivery }[]>;
    };
    readonly lines: Pick<KeyLines, "marked">;
    parkedOf(group: Group): number;
    lastServedAt(group: Group): Promise<number>;
  };
}

/** The note of one delivery, as far as it counts here. */
interface NotedDelivery {
  /** It waits for its next attempt. */
  readonly idle: boolean;
  /** It is held until then. */
  readonly until?: number | undefined;
  readonly attempts: number;
}

/** A group as callers see it, as of now. */
export async function groupInfo(parts: GroupInfoParts, group: Group): Promise<GroupInfo> {
  const { name, policy } = group;
  const [log, redriven, records, keys, deadLetters, lastServedAt, claimedBy, skipped] =
    await Promise.all([
      consumerInfo(parts, group, "log"),
      group.redrives > 0 ? consumerInfo(parts, group, "redriven") : undefined,
      parts.group.records.ofGroup(group),
      waitingByKey(parts, group),
      parts.letters.count(name),
      parts.group.lastServedAt(group),
      holderOf(parts, name),
      parts.group.skips.of(group),
    ]);
  const unclaimed = (await unclaimedInLog(parts, group, log)) + (redriven?.num_pending ?? 0);
  const unacked = (log?.num_ack_pending ?? 0) + (redriven?.num_ack_pending ?? 0);
  const now = parts.clock.now();
  const idle = records.flatMap(({ record }) => (isIdle(record, now) ? record.attempts : []));
  idle.push(...keys.idle);
  const underWay = Math.max(0, unacked - parts.group.parkedOf(group));
  return {
    name,
    kind: group.isReader ? "reader" : "work",
    cursor: log?.delivered.stream_seq ?? group.start,
    // A token stands for an event that is settled, and the one that is handled counts among those absorbed.
    pending: unclaimed + Math.max(0, unacked - keys.tokens) + keys.absorbed,
    inFlight: Math.max(0, underWay - idle.length),
    retrying: Math.min(underWay, idle.filter((attempts) => attempts > 0).length),
    // All members of a group want the same types.
    setAside: {},
    deadLetters,
    lastServedAt,
    ...shownPolicy(policy),
    skipped,
    claimedBy,
  };
}

/** Whether nobody holds it: it was given back, or its lease is over. */
function isIdle({ idle, until }: Omit<NotedDelivery, "attempts">, now: number): boolean {
  return idle || (until !== undefined && until <= now);
}

/** What waits in a group that the consumer doesn't tell of. */
async function waitingByKey(
  { group: { lines }, clock }: Pick<GroupInfoParts, "group" | "clock">,
  group: Group,
): Promise<{ readonly absorbed: number; readonly tokens: number; readonly idle: number[] }> {
  const now = clock.now();
  const marked = (await lines.marked(group, now)).map(({ line }) => line);
  return {
    absorbed: marked.reduce((sum, { count }) => sum + count, 0),
    tokens: marked.filter(({ token }) => token !== undefined).length,
    idle: marked.flatMap(({ head, token, isFree }) => {
      if (head === undefined) return isFree === true && token !== undefined ? 0 : [];
      return isIdle({ ...head, idle: head.reply !== undefined }, now) ? head.attempts : [];
    }),
  };
}

/** The group that has the most still to settle, of those that hold senders back. */
export async function furthestBehind(
  parts: BacklogParts & ClaimParts & Pick<GroupInfoParts, "group">,
): Promise<Backlog | undefined> {
  const groups = await parts.groups.all();
  const backlogs = await Promise.all(
    groups.map(async (group) => {
      const isHeld = !group.isReader || (await holderOf(parts, group.name)) !== undefined;
      if (!isHeld) return { group: group.name, pending: 0 };
      const log = await consumerInfo(parts, group, "log");
      const unclaimed = await unclaimedInLog(parts, group, log);
      const { absorbed } = await waitingByKey(parts, group);
      return { group: group.name, pending: unclaimed + (log?.num_ack_pending ?? 0) + absorbed };
    }),
  );
  return backlogs.toSorted((one, other) => other.pending - one.pending)[0];
}

/** What no member has been given yet, also before the group has its consumer. */
async function unclaimedInLog(
  { connection, names }: BacklogParts,
  group: Group,
  info: ConsumerInfo | undefined,
): Promise<number> {
  if (info !== undefined) return info.num_pending;
  const { eventTypes } = group.policy;
  const filters = eventTypes?.map((type) => names.eventsOf(type)) ?? [];
  return countMessages(connection, names.stream, { filters, after: group.start });
}
