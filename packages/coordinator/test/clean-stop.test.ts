import { MemoryEventQueue, MemoryLog } from "@ringrift/event-queue";
import { injectFaults } from "@ringrift/event-queue/testing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { makeNode, settle, type Shop } from "./nodes.ts";

const NAME = "shop-1";

/** One process of a named node: its own queue instance on the shared log, and all that its bus was given. */
async function startProcess(log: MemoryLog, listen?: (node: Shop) => void) {
  const queue = new MemoryEventQueue({ log });
  onTestFinished(() => queue.close());
  const node = makeNode({ queue, node: NAME, onError: () => undefined });
  const handled: { id: string; redelivered: boolean }[] = [];
  for (const topic of ["order.placed", "order.paid"] as const) {
    node.bus.subscribe(topic, ({ id, redelivered }) => {
      handled.push({ id, redelivered: redelivered === true });
    });
  }
  listen?.(node);
  await node.start();
  return { node, queue, handled };
}

const orders = Array.from({ length: 200 }, (_, n) => ({ id: String(n), cents: n }));

describe("after a clean stop", () => {
  it.each([
    [
      "bus.publish",
      (node: Shop) => Promise.all(orders.map((o) => node.bus.publish("order.placed", o))),
    ],
    ["publish", (node: Shop) => Promise.all(orders.map((o) => node.publish("order.placed", o)))],
    [
      "publishSync",
      (node: Shop) => {
        for (const o of orders) node.bus.publishSync("order.placed", o);
        return node.flush();
      },
    ],
  ])("no own event comes again: %s", async (_, publish) => {
    const log = new MemoryLog();
    const first = await startProcess(log);
    await publish(first.node);
    expect(await first.node.close()).toEqual({ drained: true, left: 0 });
    // The node stopped before most of them had come back to it.
    expect((await first.queue.groups.list())[0]?.pending).toBeGreaterThan(0);
    const second = await startProcess(log);
    await settle(second.queue);
    expect(first.handled).toHaveLength(200);
    expect(second.handled).toEqual([]);
    expect(second.node.stats()).toMatchObject({ dropped: { echo: 0, duplicate: 0 } });
    expect(second.node.stats().own).toBeGreaterThan(0);
  });

  it("what a handler publishes is in the log once for each of its events", async () => {
    const log = new MemoryLog();
    const pay = (node: Shop) =>
      node.bus.subscribe("order.placed", async ({ payload }) => {
        await node.publish("order.paid", { id: payload.id });
      });
    const first = await startProcess(log, pay);
    await Promise.all(orders.map((o) => first.node.publish("order.placed", o)));
    expect(await first.node.close()).toEqual({ drained: true, left: 0 });
    const second = await startProcess(log, pay);
    await settle(second.queue);
    await second.node.close();
    expect(await second.queue.history({ eventTypes: ["ORDER_PAID"] })).toHaveLength(200);
  });

  it("nothing that others sent meanwhile is missed, also by the start after the next", async () => {
    const log = new MemoryLog();
    const other = new MemoryEventQueue({ log });
    onTestFinished(() => other.close());
    const first = await startProcess(log);
    await first.node.publish("order.placed", { id: "own", cents: 1 });
    await first.node.close();
    const sent = [await other.send("ORDER_PLACED", { id: "one", cents: 1 })];
    // It stops before it has read a thing.
    const second = await startProcess(log);
    const reading = second.node.close();
    sent.push(await other.send("ORDER_PLACED", { id: "two", cents: 1 }));
    expect(await reading).toEqual({ drained: true, left: 0 });
    const third = await startProcess(log);
    await settle(third.queue);
    expect([...second.handled, ...third.handled].map(({ id }) => id)).toEqual(
      sent.map(({ id }) => id),
    );
  });

  it("an event whose publish was rejected, and that is stored, comes at the next start", async () => {
    const log = new MemoryLog();
    const first = await startProcess(log);
    injectFaults(first.queue).loseNextAnswer();
    const publish = first.node.publish("order.placed", { id: "A-1", cents: 1 });
    const closed = first.node.close();
    await expect(publish).rejects.toMatchObject({ code: "ANSWER_LOST" });
    await closed;
    await first.node.close();
    const second = await startProcess(log);
    await settle(second.queue);
    expect([...first.handled, ...second.handled]).toHaveLength(1);
  });
});

describe("after a stop that ran out of time", () => {
  it("the events that were left come again, flagged, and no others", async () => {
    const log = new MemoryLog();
    const launcher = new MemoryEventQueue({ log });
    onTestFinished(() => launcher.close());
    await launcher.group(NAME, { leaseMs: 1_000, from: "now" }).ensure();
    const first = await startProcess(log, (node) =>
      node.bus.subscribe("order.placed", ({ payload }) =>
        payload.id === "7" ? new Promise(() => undefined) : undefined,
      ),
    );
    const publishes = orders.map((o) => first.node.bus.publish("order.placed", o));
    await Promise.all(publishes.toSpliced(7, 1));
    expect(await first.node.stop({ timeoutMs: 50 })).toEqual({ drained: false, left: 1 });
    const second = await startProcess(log);
    await vi.waitFor(() => expect(second.handled).toHaveLength(1), { timeout: 5_000 });
    await settle(second.queue);
    const seventh = first.handled[7];
    expect(second.handled).toEqual([{ id: seventh?.id, redelivered: true }]);
  });
});

describe("after a kill", () => {
  it("own events that were not passed come again, flagged; those of a clean stop before it don't", async () => {
    const log = new MemoryLog();
    const first = await startProcess(log);
    await Promise.all(orders.map((o) => first.node.publish("order.placed", o)));
    await first.node.close();
    const second = await startProcess(log);
    await Promise.all(orders.map((o) => second.node.publish("order.placed", o)));
    await injectFaults(second.queue).end();
    const [group] = await first.queue.groups.list();
    expect(group?.pending).toBeGreaterThan(0);

    // The claim of the dead one runs out.
    log.claims.clear();
    const third = await startProcess(log);
    await vi.waitFor(() => expect(third.handled.length).toBeGreaterThan(0));
    const ids = new Set(second.handled.map(({ id }) => id));
    expect(ids.size).toBe(200);
    await vi.waitFor(async () => {
      const [now] = await third.queue.groups.list();
      // What the dead one had begun waits for its leases.
      expect(now?.pending).toBe(now?.inFlight);
    });
    expect(third.handled.every(({ id, redelivered }) => ids.has(id) && redelivered)).toBe(true);
  });
});
