import { createQueueBridge, type QueueBridge } from "@ringrift/coordinator";
import type { EventQueue } from "@ringrift/event-queue";

export interface JoinOptions {
  readonly name: string;
  readonly from: EventQueue;
  readonly to: EventQueue;
  readonly leaseMs: number;
  readonly onError: (error: unknown) => void;
}

/** Joins two queues both ways, so that what is sent to one of them is on the other one as well. */
export async function joinQueues(options: JoinOptions): Promise<QueueBridge> {
  const bridge = createQueueBridge({ ...options, both: true });
  await bridge.start();
  return bridge;
}
