import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { graceOf } from "../messages/acknowledge.ts";
import type { Connection } from "../connection/connection.ts";
import type { Group, Lane } from "./group.ts";
import type { Names } from "../server/names.ts";
import { isNotFound } from "../server/nats-errors.ts";
import type { ConsumerAddress } from "../messages/pull-request.ts";

/** Most events of a group that may be leased, waiting for a retry, or for an earlier one of their key. */
const MOST_UNSETTLED = 20_000;
/** Most members of a group that may wait at once. */
const MOST_WAITING = 4_096;

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

/** The parts of an engine that asking the server about a group's consumers needs. */
export interface ConsumerParts {
  readonly connection: Connection;
  readonly groups: {
    readonly incarnations: { addressOf(group: Group, lane: Lane): ConsumerAddress };
  };
}

/** What the server says of a group's consumer; `undefined` when it isn't there. */
export async function consumerInfo(
  { connection, groups }: ConsumerParts,
  group: Group,
  lane: Lane,
): Promise<ConsumerInfo | undefined> {
  const { stream, consumer } = groups.incarnations.addressOf(group, lane);
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
