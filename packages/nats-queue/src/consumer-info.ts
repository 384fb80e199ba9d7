import type { ConsumerInfo } from "@nats-io/jetstream";
import type { Connection } from "./connection.ts";
import type { Group, Lane } from "./group.ts";
import { isNotFound } from "./nats-errors.ts";
import type { ConsumerAddress } from "./pull.ts";

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
