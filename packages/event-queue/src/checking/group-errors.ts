import { QueueError } from "../failures/errors.ts";
import type { policyDifferences, StoredGroupPolicy } from "./group-policy.ts";
import { TYPE_ENDS_AFTER_MS } from "../groups/wanted-types.ts";

/** For backends: what is reported when a group had to skip events. */
export function groupSkipped(
  { name, policy }: { readonly name: string; readonly policy: StoredGroupPolicy },
  count: number,
): QueueError {
  return new QueueError(
    "GROUP_SKIPPED",
    `Group "${name}" skipped ${count} events that it hadn't settled ${policy.skipAfterMs} ms after they were stored, as its skipAfterMs says. Add members, or raise it.`,
  );
}

/** For backends: what a call is told that needs a group which isn't there. */
export function groupNotFound(name: string): QueueError {
  return new QueueError(
    "GROUP_NOT_FOUND",
    `There is no group "${name}". groups.list() shows those there are; group("${name}").ensure() makes it.`,
  );
}

/** What a second claimant of a name is told. */
export function groupClaimed(name: string, holder: string): QueueError {
  return new QueueError(
    "GROUP_CLAIMED",
    `Group "${name}" is claimed by "${holder}". Stop that one first, or use another name; the claim ends by itself when its holder ends or stops renewing it.`,
  );
}

/** For backends: what a member is told whose group is no longer there. */
export function groupRemoved(name: string): QueueError {
  return new QueueError(
    "GROUP_REMOVED",
    `Group "${name}" is gone: somebody removed it (groups.remove), or it expired. This member gets no more events of it. Find out who did, and why; ensure(), or a new member, makes the group anew, beginning where "from" says.`,
  );
}

/** For backends: what a member is told that would make a group, and doesn't say from where. */
export function groupStartUnstated(name: string, count: number): QueueError {
  return new QueueError(
    "GROUP_START_UNSTATED",
    `Group "${name}" doesn't exist yet, and the log holds ${count} events that it would get. Say where it begins: from: "beginning" handles them, from: "now" leaves them out.`,
  );
}

/** For backends: what is reported when the values that are stored with a group were changed by a member that states others. */
export function groupPolicyChanged(
  name: string,
  differences: ReturnType<typeof policyDifferences>,
): QueueError {
  const changes = differences.map(
    ([field, before, after]) =>
      `${field} from ${JSON.stringify(before)} to ${JSON.stringify(after)}`,
  );
  return new QueueError(
    "GROUP_POLICY_CHANGED",
    `Group "${name}" was changed by a member that joined: ${changes.join(", ")}. That is what a deployment does. If two programs share the name by mistake, give one of them another.`,
  );
}

/** For backends: what is reported when members of one group have no type in common. */
export function groupShared(
  name: string,
  mine: readonly string[],
  others: readonly string[],
): QueueError {
  return new QueueError(
    "GROUP_SHARED",
    `Group "${name}" has members with nothing in common: one that joined handles ${mine.join(", ")}, and the others ${others.join(", ")}. Each gets its own types. If they are two programs, give one of them another group.`,
  );
}

/** For backends: what a member with types is told whose group is a node's. */
export function groupIsReader(name: string, eventTypes: readonly string[]): QueueError {
  return new QueueError(
    "GROUP_CONFIG_MISMATCH",
    `Group "${name}" is the reading group of a node of that name, and this member wants only ${eventTypes.join(", ")}: it would take the node's events away. Give the work group another name.`,
  );
}

/** For backends: what is reported when a group is done with types that nobody wants any more. */
export function groupTypeEnded(
  name: string,
  eventTypes: readonly string[],
  count: number,
): QueueError {
  const types = eventTypes.map((type) => (type === "*" ? "every other type" : type)).join(", ");
  return new QueueError(
    "GROUP_TYPE_ENDED",
    `Group "${name}" is done with ${types}: none of its members has wanted it for ${TYPE_ENDS_AFTER_MS / 1000} s. ${count} events that were pending are skipped. If that was a mistake, start a member that handles it: it gets what is sent from then on.`,
  );
}

/** For backends: what is reported when a group was removed since nobody served it. */
export function groupExpired(
  { name, policy }: { readonly name: string; readonly policy: StoredGroupPolicy },
  count: number,
): QueueError {
  return new QueueError(
    "GROUP_EXPIRED",
    `Group "${name}" expired: nobody served it for ${policy.expireAfterMs} ms (expireAfterMs). ${count} events that it had pending went with it.`,
  );
}

/** For backends: what is reported when retention took events that a group had still to settle. */
export function groupMissed(
  { name, policy }: { readonly name: string; readonly policy: StoredGroupPolicy },
  count: number,
): QueueError {
  return new QueueError(
    "GROUP_MISSED",
    `Group "${name}" missed ${count} events: nobody has served it for ${policy.holdMs} ms (holdMs), so that it doesn't hold back retention any more. Serve it, or remove it if nobody needs it (groups.remove).`,
  );
}
