import { QueueError } from "./errors.ts";
import type { StoredGroupPolicy } from "./group-policy.ts";

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
