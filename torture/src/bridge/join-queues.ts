import { createCoordinator } from "@ringrift/coordinator";
import type { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { catalogueOf } from "./catalogue.ts";

export interface JoinOptions {
  readonly name: string;
  readonly from: CrossProcessEventQueue;
  readonly to: CrossProcessEventQueue;
  readonly leaseMs: number;
  readonly onError: (error: unknown) => void;
}

/**
 * Joins two queues, so that what is sent to one of them is on the other one as well. Until there is a
 * `createQueueBridge`, two coordinators do it that have one bus: replace all of this by it.
 */
export async function joinQueues({
  name: node,
  from,
  to,
  leaseMs,
  onError,
}: JoinOptions): Promise<{ close(): Promise<unknown> }> {
  for (const queue of [from, to]) {
    await queue.group(node, { from: "now", leaseMs, maxAttempts: 1000 }).ensure();
  }
  const catalogue = catalogueOf(false);
  const one = createCoordinator({ catalogue, queue: from, node, onError });
  const other = createCoordinator({ catalogue, queue: to, node, bus: one.bus, onError });
  await one.start();
  await other.start();
  return {
    close: async () => {
      await other.close();
      await one.close();
    },
  };
}
