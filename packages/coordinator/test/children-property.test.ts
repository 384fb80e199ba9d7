import { MemoryEventQueue, MemoryLog } from "@ringrift/event-queue";
import { injectFaults } from "@ringrift/event-queue/testing";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { createCoordinator } from "../src/index.ts";
import { type Shop, shop } from "./nodes.ts";

const LEASE_MS = 30_000;

/** Every way to publish `order.paid`; awaited until it is stored. */
const WAYS: readonly ((node: Shop, id: string) => Promise<unknown>)[] = [
  (node, id) => node.bus.publish("order.paid", { id }),
  async (node, id) => {
    node.bus.publishSync("order.paid", { id });
    await node.flush();
  },
  (node, id) => node.publish("order.paid", { id }),
  (node, id) => node.emitters.orderPaid({ id }),
  (node, id) => node.queue.send("ORDER_PAID", { id }),
  (node, id) => node.queue.sendMany([{ type: "ORDER_PAID", payload: { id } }]),
];

/** One attempt: what it publishes, and how it ends. The last one of all succeeds. */
const attempts = fc.array(
  fc.record({
    children: fc.array(
      fc.record({ id: fc.constantFrom("a", "b", "c"), way: fc.nat(WAYS.length - 1) }),
      { maxLength: 5 },
    ),
    end: fc.constantFrom("fails", "is killed"),
  }),
  { minLength: 1, maxLength: 4 },
);
type Attempts = typeof attempts extends fc.Arbitrary<infer T> ? T : never;

interface Node {
  readonly node: Shop;
  readonly heard: string[];
}

/** A handler that does something else at each attempt, in a process that may be killed in it. */
class Trial {
  readonly #plan: Attempts;
  /** Set forward when somebody is killed, so that nobody has to wait for a lease. */
  #ahead = 0;
  readonly log = new MemoryLog({ now: () => Date.now() + this.#ahead });
  readonly nodes: Node[] = [];
  #attempt = 0;
  isDone = false;

  constructor(plan: Attempts) {
    this.#plan = plan;
  }

  async start(): Promise<Shop> {
    const queue = new MemoryEventQueue({ log: this.log });
    const node: Shop = createCoordinator({ catalogue: shop, queue, onError: () => {} });
    const heard: string[] = [];
    node.bus.subscribe("order.paid", (event) => void heard.push(event.id));
    const backoff = { initialMs: 1, maxMs: 1 };
    const options = { group: "cashier", leaseMs: LEASE_MS, maxAttempts: 99, backoff };
    node.handle("order.placed", options, async () => {
      const attempt = this.#plan[this.#attempt];
      this.#attempt += 1;
      for (const { id, way } of attempt?.children ?? []) await WAYS[way]?.(node, id);
      if (this.#attempt >= this.#plan.length) {
        this.isDone = true;
      } else if (attempt?.end === "fails") {
        throw new Error("This attempt is meant to fail.");
      } else {
        void this.#kill(queue);
        await new Promise(() => {});
      }
    });
    await node.start();
    this.nodes.push({ node, heard });
    return node;
  }

  /** Its process ends; the lease runs out, and another one takes over. */
  async #kill(queue: MemoryEventQueue): Promise<void> {
    await injectFaults(queue).end();
    this.#ahead += LEASE_MS + 1;
    await this.start();
  }
}

/** How often each child has to be there: as often as the attempt that published it most. */
function expected(plan: Attempts): string[] {
  const most = new Map<string, number>();
  for (const { children } of plan) {
    const counts = Map.groupBy(children, ({ id }) => id);
    for (const [id, some] of counts) most.set(id, Math.max(most.get(id) ?? 0, some.length));
  }
  return [...most].flatMap(([id, count]) => Array<string>(count).fill(id)).toSorted();
}

it("whatever a handler publishes at its attempts, by whichever calls and with kills between: the log has their union, each once", async () => {
  await fc.assert(
    fc.asyncProperty(attempts, async (plan) => {
      const trial = new Trial(plan);
      const first = await trial.start();
      const watcher = new MemoryEventQueue({ log: trial.log });
      try {
        const parent = await first.publish("order.placed", { id: "A-1", cents: 1 });
        await vi.waitFor(
          async () => {
            expect(trial.isDone).toBe(true);
            const groups = await watcher.groups.list();
            expect(groups.find(({ name }) => name === "cashier")).toMatchObject({ pending: 0 });
          },
          { timeout: 10_000, interval: 2 },
        );
        const children = await watcher.history({ eventTypes: ["ORDER_PAID"] });
        expect(children.map(({ payload }) => String(payload.id)).toSorted()).toEqual(
          expected(plan),
        );
        expect(new Set(children.map(({ id }) => id)).size).toBe(children.length);
        for (const child of children) expect(child).toMatchObject({ causationId: parent.id });
        const stored = new Set(children.map(({ id }) => id));
        for (const { heard } of trial.nodes) {
          expect(new Set(heard).size, "once on each bus").toBe(heard.length);
          expect(heard.filter((id) => !stored.has(id))).toEqual([]);
        }
      } finally {
        await Promise.all(trial.nodes.map(({ node }) => node.close({ timeoutMs: 1 })));
        await watcher.close();
      }
    }),
    { numRuns: 40, endOnFailure: true },
  );
}, 120_000);
