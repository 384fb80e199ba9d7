import { createEventBus } from "@ringrift/core-bus";
import { MemoryEventQueue } from "@ringrift/event-queue";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openLog, startNode } from "./nodes.ts";

describe("a node that catches up with the history", () => {
  it("takes no more of the log than the history holds, and nothing older than asked for", async () => {
    let now = Date.now() - 60_000;
    const queue = new MemoryEventQueue({ now: () => now });
    onTestFinished(() => queue.close());
    const send = (count: number) =>
      queue.sendMany(
        Array.from({ length: count }, (_, n) => ({
          type: n % 2 === 0 ? "ORDER_PLACED" : "NEVER_HEARD_OF",
          payload: { id: String(n), cents: n },
        })),
      );
    await send(5000);
    now += 30_000;
    const newest = (await send(4)).filter(({ type }) => type === "ORDER_PLACED");
    const history = vi.spyOn(queue, "history");
    const small = await startNode({
      queue,
      bus: createEventBus({ history: 3 }),
      catchUp: { history: true },
    });
    expect(
      small.bus
        .getHistory()
        .slice(0, 2)
        .map(({ id }) => id),
    ).toEqual(newest.map(({ id }) => id).toReversed());
    expect(small.bus.getHistory()).toHaveLength(3);
    expect(history).toHaveBeenCalledTimes(1);
    const bus = createEventBus({ history: 4000 });
    await startNode({ queue, bus, catchUp: { history: true, since: now } });
    // From there on they come from the queue, as all later ones do.
    await vi.waitFor(() => expect(bus.getHistory()).toHaveLength(2));
    const all = createEventBus({ history: 4000 });
    await startNode({ queue, bus: all, catchUp: { history: true } });
    expect(all.getHistory({ limit: 9999 })).toHaveLength(2502);
  });

  it("fills the bus's history from the log, and dispatches nothing", async () => {
    const queue = openLog();
    await queue.send("ORDER_PLACED", { id: "1", cents: 1 });
    await queue.send("ORDER_PLACED", { id: "2", cents: 2 });
    const node = await startNode({ queue, catchUp: { history: true } });
    const heard = vi.fn();
    node.bus.subscribe("order.placed", heard);
    const history = node.bus.getHistory({ topic: "order.placed" });
    expect(history.map((event) => event.payload.id)).toEqual(["2", "1"]);
    expect(heard).not.toHaveBeenCalled();
  });
});
