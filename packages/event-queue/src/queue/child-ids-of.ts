import type { ChildIds } from "../sending/child-ids.ts";
import { BackedQueue } from "./backed-queue.ts";

/**
 * For coordinators: what derives the ids of the children of a queue's events, opening the queue if need be.
 * `undefined` for a queue that has none, because it isn't built on a `QueueBackend`.
 */
export async function childIdsOf(queue: object): Promise<ChildIds | undefined> {
  const instance = BackedQueue.instanceOf(queue);
  return instance?.use(async () => instance.childIds);
}
