import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import type { Group, Lane } from "./group.ts";
import type { Names } from "./names.ts";

/** Most events of a group that may be leased, waiting for a retry, or for an earlier one of their key. */
const MOST_UNSETTLED = 20_000;
/** Most members of a group that may wait at once. */
const MOST_WAITING = 4_096;

/** How long after the end of a lease the server gives the event away: no ack that was sent in time is late. */
export function graceOf(leaseMs: number): number {
  return Math.round(Math.min(1_000, Math.max(20, leaseMs / 10)));
}

/** The durable pull consumer that stands for a group in the server. */
export function consumerConfig(
  { name, incarnation, start, policy, usualLeaseMs }: Group,
  lane: Lane,
  names: Names,
): Partial<ConsumerConfig> {
  const filters = (policy.eventTypes ?? []).map((type) => names.eventsOf(type));
  const [only] = filters;
  return {
    durable_name: incarnation,
    description: `RingRift group ${name}`,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(usualLeaseMs + graceOf(usualLeaseMs)),
    // Attempts are counted by us: the server would drop an event after its last one.
    max_deliver: -1,
    max_ack_pending: MOST_UNSETTLED,
    max_waiting: MOST_WAITING,
    ...(lane === "redriven"
      ? { deliver_policy: DeliverPolicy.All, filter_subject: names.redriven(name, "*") }
      : {
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: start + 1,
          ...(filters.length > 1 ? { filter_subjects: filters } : only && { filter_subject: only }),
        }),
  };
}
