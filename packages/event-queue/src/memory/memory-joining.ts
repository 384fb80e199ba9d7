import type { MemberOptions } from "../backend/queue-backend.ts";
import type { QueueError } from "../failures/errors.ts";
import {
  groupIsReader,
  groupPolicyChanged,
  groupShared,
  groupStartUnstated,
} from "../checking/group-errors.ts";
import {
  checkSameGroupPolicy,
  completeGroupPolicy,
  type GivenGroupPolicy,
  policyDifferences,
  statedPolicy,
} from "../checking/group-policy.ts";
import { typesOfStrangers } from "../groups/member-types.ts";
import { WantedTypes } from "../groups/wanted-types.ts";
import type { PresentMember } from "../memory-state/group-members.ts";
import type { GroupState } from "../memory-state/group-state.ts";
import type { MemoryLog } from "../memory-state/memory-log.ts";

/** Makes a group as its first member wants it. */
export function makeGroup(
  log: MemoryLog,
  { name, given }: Pick<MemberOptions, "name" | "given">,
  requireFrom: boolean,
): GroupState {
  const { from = "beginning", eventTypes = null } = given;
  const cursor = log.resolve(from);
  const wanted = WantedTypes.of(eventTypes);
  if (requireFrom && given.from === undefined) {
    const records = [...log.after(cursor)];
    const count = records.filter(({ type, position }) => wanted.wants(type, position)).length;
    if (count > 0) throw groupStartUnstated(name, count);
  }
  const group = log.createGroup({ name, policy: completeGroupPolicy(given), wanted, cursor });
  group.isReader = eventTypes === null && log.holderOf(name) !== undefined;
  return group;
}

/**
 * A member states its values, which are stored from then on, and its types, which are added to those of the group.
 * Returns what is to be reported, if anything.
 */
export function stateValues(
  log: MemoryLog,
  group: GroupState,
  given: GivenGroupPolicy,
): QueueError | undefined {
  const { eventTypes } = given;
  if (group.isReader && eventTypes !== undefined) throw groupIsReader(group.name, eventTypes);
  if (given.isRequired === true) checkSameGroupPolicy(group.name, group.policy, given);
  const stated = statedPolicy(group.policy, given);
  const differences = policyDifferences(group.policy, stated);
  if (eventTypes !== undefined) group.wanted = group.wanted.with(eventTypes, log.newest);
  group.policy = { ...stated, eventTypes: group.wanted.eventTypes };
  return differences.length > 0 ? groupPolicyChanged(group.name, differences) : undefined;
}

/** A member is there from now on. Returns what is to be reported, if anything. */
export function admitMember(
  log: MemoryLog,
  group: GroupState,
  member: PresentMember,
): QueueError | undefined {
  const now = log.now();
  const others = group.members.live(now).filter((other) => other !== member);
  group.members.seen(member, now, group.policy.leaseMs);
  group.noteMembers(now, others.length === 0);
  const strangers = typesOfStrangers(
    member.accepts,
    others.map(({ accepts }) => accepts),
  );
  return strangers && groupShared(group.name, member.accepts ?? [], strangers);
}
