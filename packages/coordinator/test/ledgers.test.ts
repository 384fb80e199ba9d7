import { MemoryEventQueue, MemoryLog } from "@ringrift/event-queue";
import { injectFaults } from "@ringrift/event-queue/testing";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createCoordinator } from "../src/index.ts";
import { settle, shop, type Shop } from "./nodes.ts";

/** One step in the life of two named nodes on one log. */
type Step =
  | { readonly do: "publish"; readonly how: "bus" | "durable" | "sync"; readonly count: number }
  | { readonly do: "send" | "elsewhere"; readonly count: number }
  | { readonly do: "turns"; readonly count: number }
  | { readonly do: "stop" | "start" | "replace" | "kill" };

const count = fc.integer({ min: 1, max: 40 });
const how = fc.constantFrom("bus" as const, "durable" as const, "sync" as const);
const life = { stop: 2, start: 3, replace: 3 };
const steps = (kills: number) =>
  fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant("publish" as const), how, count }) },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constantFrom("send" as const, "elsewhere" as const), count }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("turns" as const), count }) },
      ...Object.entries({ ...life, kill: kills }).map(([name, weight]) => ({
        weight,
        arbitrary: fc.constant({ do: name as keyof typeof life | "kill" }),
      })),
    ),
    { minLength: 5, maxLength: 30 },
  );

/** The node `shop-1` through all its processes, and what each of them handled. */
class Life {
  /** How far the clock of the log has been set forward. */
  ahead = 0;
  readonly log = new MemoryLog({ now: () => Date.now() + this.ahead });
  /** By id: how often it was handled here as new, and as redelivered. */
  readonly handled = new Map<string, { fresh: number; flagged: number }>();
  /** Ids whose publish was answered with "stored". */
  readonly stored = new Set<string>();
  #queue = new MemoryEventQueue({ log: this.log });
  #node = this.#make();
  isRunning = false;
  readonly #closing: Promise<unknown>[] = [];

  #make(): Shop {
    const node = createCoordinator({
      catalogue: shop,
      queue: this.#queue,
      node: "shop-1",
      onError: () => undefined,
    });
    node.bus.subscribe("order.placed", async ({ id, redelivered, payload }) => {
      if (payload.cents % 3 === 0) await nextTurn();
      const found = this.handled.get(id) ?? { fresh: 0, flagged: 0 };
      found[redelivered === true ? "flagged" : "fresh"] += 1;
      this.handled.set(id, found);
    });
    return node;
  }

  async start(): Promise<void> {
    await this.#node.start();
    this.isRunning = true;
  }

  /** A clean end; the name is free when it resolves. */
  async stop(): Promise<void> {
    const wasRunning = this.isRunning;
    this.isRunning = false;
    const result = await this.#node.stop();
    if (wasRunning) expect(result).toEqual({ drained: true, left: 0 });
  }

  /** Another process in its place. */
  async replace(): Promise<void> {
    await this.stop();
    const before = this.#node;
    this.#closing.push(before.close().then(() => undefined));
    await Promise.all(this.#closing);
    await this.#queue.close();
    this.#queue = new MemoryEventQueue({ log: this.log });
    this.#node = this.#make();
    await this.start();
  }

  async kill(): Promise<void> {
    if (!this.isRunning) return;
    await injectFaults(this.#queue).end();
    this.log.claims.clear();
    this.isRunning = false;
    this.#queue = new MemoryEventQueue({ log: this.log });
    this.#node = this.#make();
    await this.start();
  }

  async publish(how: "bus" | "durable" | "sync", each: { id: string; cents: number }) {
    if (!this.isRunning) return;
    const node = this.#node;
    if (how === "sync") {
      node.bus.publishSync("order.placed", each);
      return;
    }
    if (how === "durable") {
      const { id } = await node.publish("order.placed", each);
      this.stored.add(id);
      return;
    }
    const { event, errors } = await node.bus.publish("order.placed", each);
    if (errors.length === 0) this.stored.add(event.id);
  }
}

async function live(all: readonly Step[]): Promise<Life> {
  const life = new Life();
  const elsewhere = new MemoryEventQueue({ log: life.log });
  const other = createCoordinator({ catalogue: shop, queue: elsewhere, node: "other" });
  await Promise.all([life.start(), other.start()]);
  const publishes: Promise<unknown>[] = [];
  let n = 0;
  for (const step of all) {
    if (step.do === "publish" || step.do === "send" || step.do === "elsewhere") {
      for (let times = 0; times < step.count; times += 1) {
        const each = { id: String((n += 1)), cents: n };
        if (step.do === "send") publishes.push(elsewhere.send("ORDER_PLACED", each));
        else if (step.do === "elsewhere") publishes.push(other.publish("order.placed", each));
        else if (step.do === "publish")
          publishes.push(life.publish(step.how, each).catch(() => undefined));
      }
    } else if (step.do === "turns") {
      for (let turn = 0; turn < step.count; turn += 1) await nextTurn();
    } else if (step.do === "start") await life.start();
    else await life[step.do]();
  }
  if (!life.isRunning) await life.start();
  return life;
}

it(
  "whatever a node publishes and whenever it starts and stops: each event is handled there once, and none is missed",
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(steps(0), async (all) => {
        const life = await live(all);
        const queue = new MemoryEventQueue({ log: life.log });
        await settle(queue);
        const log = await queue.history({ limit: 10_000 });
        const expected = new Map(log.map(({ id }) => [id, { fresh: 1, flagged: 0 }]));
        expect(life.handled).toEqual(expected);
        for (const id of life.stored) expect(life.handled.has(id)).toBe(true);
        await life.stop();
      }),
      { numRuns: 40 },
    );
  },
);

it(
  "with kills among them: none is missed, and what comes again is flagged",
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(steps(2), async (all) => {
        const life = await live(all);
        const queue = new MemoryEventQueue({ log: life.log });
        // What the dead ones had begun comes when their leases run out.
        for (let round = 0; round < 2; round += 1) {
          life.ahead += 60_000;
          await queue.send("ORDER_PAID", { id: "rings" });
          await settle(queue);
        }
        const log = await queue.history({ limit: 10_000, eventTypes: ["ORDER_PLACED"] });
        expect(new Set(life.handled.keys())).toEqual(new Set(log.map(({ id }) => id)));
        for (const [id, { fresh }] of life.handled) expect(fresh, id).toBeLessThanOrEqual(1);
        for (const id of life.stored) expect(life.handled.has(id), id).toBe(true);
      }),
      { numRuns: 40 },
    );
  },
);
