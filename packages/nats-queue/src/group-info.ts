import type { ConsumerInfo } from "@nats-io/jetstream";
import type { GroupInfo } from "@ringrift/event-queue";
import { type Backlog, shownPolicy } from "@ringrift/event-queue/backend";
import { holderOf } from "./claims.ts";
import { countMessages } from "./cursor.ts";
import type { Engine } from "./engine.ts";
import type { Group, Lane } from "./group.ts";
import { isNotFound } from "./nats-errors.ts";

/** A group as callers see it, as of now. */
export async function groupInfo(engine: Engine, group: Group): Promise<GroupInfo> {
  const { name, policy } = group;
  const [log, redriven, records, deadLetters, lastServedAt, claimedBy, skipped] = await Promise.all(
    [
      consumerInfo(engine, group, "log"),
      group.redrives > 0 ? consumerInfo(engine, group, "redriven") : undefined,
      engine.group.records.ofGroup(group),
      engine.letters.count(name),
      engine.group.lastServedAt(group),
      holderOf(engine, name),
      engine.group.skips.of(group),
    ],
  );
  const unclaimed = (await unclaimedInLog(engine, group, log)) + (redriven?.num_pending ?? 0);
  const underWay = (log?.num_ack_pending ?? 0) + (redriven?.num_ack_pending ?? 0);
  const idle = records.map(({ record }) => record).filter((record) => record.idle);
  return {
    name,
    cursor: log?.delivered.stream_seq ?? group.start,
    pending: unclaimed + underWay,
    inFlight: Math.max(0, underWay - idle.length),
    retrying: Math.min(underWay, idle.filter(({ attempts }) => attempts > 0).length),
    deadLetters,
    lastServedAt,
    ...shownPolicy(policy),
    skipped,
    claimedBy,
  };
}

/** What the server says of a group's consumer; `undefined` when it isn't there. */
export async function consumerInfo(
  { connection, groups }: Pick<Engine, "connection" | "groups">,
  group: Group,
  lane: Lane,
): Promise<ConsumerInfo | undefined> {
  const { stream, consumer } = groups.addressOf(group, lane);
  return connection.persist("reading its groups", async () => {
    try {
      return await connection.jsm.consumers.info(stream, consumer);
    } catch (error) {
      // Its member makes it again.
      if (isNotFound(error)) return undefined;
      throw error;
    }
  });
}

/** The group that has the most still to settle. */
export async function furthestBehind(engine: Engine): Promise<Backlog | undefined> {
  const groups = await engine.groups.all();
  const backlogs = await Promise.all(
    groups.map(async (group) => {
      const log = await consumerInfo(engine, group, "log");
      const unclaimed = await unclaimedInLog(engine, group, log);
      return { group: group.name, pending: unclaimed + (log?.num_ack_pending ?? 0) };
    }),
  );
  return backlogs.toSorted((one, other) => other.pending - one.pending)[0];
}

/** Where the server can't filter by several types it can't count them either: they are counted one by one. */
async function unclaimedInLog(
  { groups, connection, names }: Engine,
  group: Group,
  info: ConsumerInfo | undefined,
): Promise<number> {
  const { eventTypes } = group.policy;
  if (info !== undefined && groups.isFiltered(group)) return info.num_pending;
  const after = info?.delivered.stream_seq ?? group.start;
  const filters = eventTypes?.map((type) => names.eventsOf(type)) ?? [names.allEvents];
  const counts = await Promise.all(
    filters.map((filter) => countMessages(connection, names.stream, { filters: [filter], after })),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
