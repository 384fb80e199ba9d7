import { MemoryEventQueue } from "@ringrift/event-queue";
import { defineCatalogue, event, named } from "@ringrift/mappings";
import { onTestFinished } from "vitest";
import { createCoordinator, type EventCoordinator } from "../src/index.ts";

/** A small shop, so that tests don't depend on the default catalogue. */
export const shop = defineCatalogue({
  "order.placed": event<{ id: string; cents: number }>(),
  "order.paid": named<{ id: string }>()({ stages: ["pay_complete"], failure: "order.failed" }),
  "order.failed": named<{ id?: string }>()({ stages: ["pay_failed"] }),
  "cart.changed": named<{ id: string }>()({ local: true }),
});
export type Shop = EventCoordinator<typeof shop>;

type ShopOptions = Parameters<typeof createCoordinator<typeof shop>>[0];

/** A shared in-memory log: to several coordinators it is what a file is to several processes. */
export function openLog(): MemoryEventQueue {
  const queue = new MemoryEventQueue();
  onTestFinished(() => queue.close());
  return queue;
}

/** A started node on a log of its own or a shared one; closed when the test is finished. */
export async function startNode(options: ShopOptions = {}): Promise<Shop> {
  const node = makeNode(options);
  await node.start();
  return node;
}

export function makeNode(options: ShopOptions = {}): Shop {
  const node = createCoordinator({ catalogue: shop, ...options });
  onTestFinished(() => node.close({ timeoutMs: 1000 }).then(() => undefined));
  return node;
}

/** Resolves when nobody on the log has anything left to do. */
export async function settle(queue: { groups: MemoryEventQueue["groups"] }): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const groups = await queue.groups.list();
    quiet = groups.every((group) => group.pending === 0) ? quiet + 1 : 0;
  }
}
