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
