import type { QueueMigration } from "./queue-migration.ts";
import type { EventQueue } from "../contract/event-queue.ts";
import type { StoredGroupPolicy } from "../checking/group-policy.ts";
import type { GroupInfo } from "../contract/groups.ts";
import type { LogComparison } from "./log-comparison.ts";
import type { LogMark } from "./log-pairs.ts";

const PAGE = 200;
/** Groups by which queues are moved, or joined. */
const MIGRATION_GROUP = "migration:";
const BRIDGE_GROUP = "bridge:";

/** Name of the group by which a migration keeps the old queue from dropping what isn't in the new one yet. */
export function migrationGroup(target: string): string {
  return `${MIGRATION_GROUP}${target}`;
}

/** What moves groups. */
export interface GroupMoverOptions {
  readonly queue: EventQueue;
  readonly from: QueueMigration;
  readonly to: QueueMigration;
  /** Id of the new queue. */
  readonly target: string;
  readonly comparison: LogComparison;
  /** The end of both logs when nobody sent any more; what fell due in the old one since lies behind it. */
  readonly end: LogMark;
}

/** Makes the old queue's groups in the new one, each at its oldest unsettled event. Resolves to their names. */
export async function moveGroups(options: GroupMoverOptions): Promise<string[]> {
  const { queue, from, to, comparison, end } = options;
  const groups = (await queue.groups.list()).filter(({ name }) => isMoved(name, options));
  for (const info of groups) {
    const { name, kind, cursor } = info;
    const oldest = await from.oldestUnsettled(name);
    const after = await comparison.startOf(oldest, end);
    const againUpTo = await comparison.reachOf(Math.min(cursor, end.from));
    await to.adoptGroup({
      name,
      policy: policyOf(info),
      isReader: kind === "reader",
      after,
      againUpTo,
    });
  }
  return groups.map(({ name }) => name);
}

/** Takes the old queue's dead letters over, page by page. Resolves to how many were added. */
export async function moveLetters(
  options: Pick<GroupMoverOptions, "from" | "to" | "target">,
): Promise<number> {
  const { from, to } = options;
  let added = 0;
  let after: string | undefined;
  do {
    const { items, next } = await from.letters({ after, limit: PAGE });
    added += await to.adoptLetters(items.filter(({ group }) => isMoved(group, options)));
    after = next;
  } while (after !== undefined);
  return added;
}

/** A bridge into the new queue has nothing to carry there any more; and a migration is no group of a user. */
function isMoved(name: string, { target }: Pick<GroupMoverOptions, "target">): boolean {
  if (name.startsWith(MIGRATION_GROUP)) return false;
  return !(name.startsWith(BRIDGE_GROUP) && name.endsWith(`:${target}`));
}

function policyOf(info: GroupInfo): StoredGroupPolicy {
  const { eventTypes, skipAfterMs, handlerTimeoutMs } = info;
  const { maxAttempts, leaseMs, expireAfterMs, holdMs, backoff, paused } = info;
  return {
    eventTypes: eventTypes ?? null,
    maxAttempts,
    leaseMs,
    expireAfterMs,
    skipAfterMs: skipAfterMs ?? null,
    holdMs,
    handlerTimeoutMs: handlerTimeoutMs ?? null,
    backoff,
    paused,
  };
}
