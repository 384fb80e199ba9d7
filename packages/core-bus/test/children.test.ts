import {
  type Child,
  type ChildContent,
  createLineage,
  currentScope,
  type DeliveryScope,
  runInScope,
} from "@ringrift/envelope";
import { describe, expect, it, vi } from "vitest";
import { createEventBus, type EventBus, isRepeated, linkToQueue } from "../src/index.ts";

const ids = Array.from(
  { length: 9 },
  (_, n) => `0198f1c2-7a3b-80f1-b2f3-f4f5f6f7f8f${n}`,
) as readonly string[];

/** A scope whose children have these ids, in order. */
function scopeOf(given: readonly string[]): DeliveryScope & { asked: [string, ChildContent][] } {
  const left = [...given];
  const asked: [string, ChildContent][] = [];
  return {
    isLeased: true,
    asked,
    child(type, content): Child | undefined {
      asked.push([type, content]);
      const id = left.shift();
      return id === undefined ? undefined : { id, redelivered: false, giveBack: () => {} };
    },
  };
}

function link(bus: EventBus, handling?: { run(handler: () => unknown): unknown }): () => void {
  const had = new Set<string>();
  return linkToQueue(bus, {
    typeOf: (topic) => topic.toUpperCase(),
    takes: (id) => had.size < had.add(id).size,
    handlingOf: () => handling,
    sees: () => {},
  });
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

describe("on a bus that is linked to a queue", () => {
  it("what a handler of the queue publishes has the ids of its children, whichever call publishes it", async () => {
    const bus = createEventBus();
    link(bus);
    const scope = scopeOf(ids);
    const parent = createLineage();
    await runInScope(scope, async () => {
      await bus.publish("a", { n: 1 });
      bus.publishSync("b", { n: 2 }, { metadata: { m: 1 }, source: "trainer" });
      await bus.publish({ topic: "c", metadata: { n: 3 } });
      await bus.publish("d", { n: 4 }, { lineage: parent });
    });
    expect(
      bus
        .getHistory()
        .map(({ id }) => id)
        .toReversed(),
    ).toEqual([...ids.slice(0, 3), parent.id]);
    expect(scope.asked).toMatchObject([
      ["A", { payload: { n: 1 } }],
      ["B", { payload: { n: 2 }, metadata: { m: 1 }, source: "trainer" }],
      ["C", { payload: { n: 3 }, metadata: { n: 3 } }],
    ]);
  });

  it("a child that it has had is a duplicate: no handler runs, only taps are shown it", async () => {
    const bus = createEventBus();
    link(bus);
    const [heard, tapped] = [vi.fn(), vi.fn()];
    bus.subscribe("a", heard);
    bus.subscribe("a", (event) => tapped(event.id, isRepeated(event)), { tap: true });
    const publish = (): unknown => bus.publish("a", { n: 1 });
    await runInScope(scopeOf(ids), publish);
    expect(await runInScope(scopeOf(ids), publish)).toMatchObject({
      event: { id: ids[0] },
      delivered: 0,
      errors: [],
      dropped: "duplicate",
    });
    expect(runInScope(scopeOf(ids), () => bus.publishSync("a", { n: 1 }))).toBe(0);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(tapped.mock.calls).toEqual([
      [ids[0], false],
      [ids[0], true],
      [ids[0], true],
    ]);
    expect(bus.stats()).toMatchObject({ published: 1, dropped: { duplicate: 2 } });
    expect(bus.getHistory()).toHaveLength(1);
  });

  it("whoever awaits a duplicate hears what its taps failed with", async () => {
    const bus = createEventBus({ onError: () => {} });
    link(bus);
    let isAway = false;
    bus.subscribe("a", () => isAway && Promise.reject(new Error("not stored")), { tap: true });
    const publish = (onFailure?: "throw") =>
      runInScope(scopeOf(ids), () => bus.publish("a", {}, { onFailure }));
    await publish();
    isAway = true;
    expect((await publish()).errors).toMatchObject([{ cause: { message: "not stored" } }]);
    await expect(publish("throw")).rejects.toMatchObject({ code: "HANDLER_FAILED" });
  });

  it("each handler runs in the handling of its event, taps outside of it", async () => {
    const bus = createEventBus();
    const scope = scopeOf([]);
    link(bus, { run: (handler) => runInScope(scope, handler) });
    const seen: unknown[] = [];
    const note = (who: string) => () => void seen.push([who, currentScope() === scope]);
    bus.subscribe("a", note("sync"));
    bus.subscribe("a", async () => {
      await tick();
      note("async")();
    });
    bus.subscribe("a", note("once"), { once: true });
    bus.subscribe("a", note("tap"), { tap: true });
    await bus.publish("a");
    bus.publishSync("a");
    await bus.drain();
    expect(seen).toEqual([
      ["sync", true],
      ["async", true],
      ["once", true],
      ["tap", false],
      ["sync", true],
      ["tap", false],
      ["async", true],
    ]);
  });

  it("a handler that catches up runs in it for what is published meanwhile, and not for the past", async () => {
    const bus = createEventBus();
    const scope = scopeOf([]);
    link(bus, { run: (handler) => runInScope(scope, handler) });
    bus.publishSync("a", "past");
    const seen: unknown[] = [];
    bus.subscribe(
      "a",
      async ({ payload }) => {
        await tick();
        seen.push([payload, currentScope() === scope]);
      },
      { replay: true },
    );
    await bus.publish("a", "meanwhile");
    expect(seen).toEqual([
      ["past", false],
      ["meanwhile", true],
    ]);
  });

  it("nothing is derived any more when the link is gone", async () => {
    const bus = createEventBus();
    const unlink = link(bus);
    unlink();
    const scope = scopeOf(ids);
    await runInScope(scope, () => bus.publish("a"));
    expect(scope.asked).toEqual([]);
  });
});
