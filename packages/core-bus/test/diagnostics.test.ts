import { tracingChannel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createEventBus, type HandlerTrace, type PublishTrace } from "../src/index.ts";

const STEPS = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;
const ended: (() => void)[] = [];

afterEach(() => {
  for (const end of ended.splice(0)) end();
});

interface Traces {
  "ringrift.publish": PublishTrace;
  "ringrift.handler": HandlerTrace;
}

/** Writes down what a tracing channel says. */
function record<K extends keyof Traces>(name: K): { step: string; trace: Traces[K] }[] {
  const seen: { step: string; trace: Traces[K] }[] = [];
  const channel = tracingChannel<object>(name);
  const subscribers = Object.fromEntries(
    STEPS.map((step) => [
      step,
      (message: unknown) => void seen.push({ step, trace: message as Traces[K] }),
    ]),
  ) as unknown as Parameters<typeof channel.subscribe>[0];
  channel.subscribe(subscribers);
  ended.push(() => channel.unsubscribe(subscribers));
  return seen;
}

describe("tracing channels", () => {
  it("tell of a publish, and what came of it", async () => {
    const seen = record("ringrift.publish");
    const bus = createEventBus();
    bus.subscribe("a", async () => {});
    const { event } = await bus.publish("a");
    expect(seen.map(({ step }) => step)).toEqual(["start", "end", "asyncStart", "asyncEnd"]);
    expect(seen[0]!.trace).toMatchObject({ bus: bus.id, event });
    expect(seen[3]!.trace.result).toMatchObject({ delivered: 1 });
    seen.length = 0;
    bus.publishSync("nobody");
    expect(seen.map(({ step }) => step)).toEqual(["start", "end"]);
  });

  it("tell of each handler, and of its failure", async () => {
    const seen = record("ringrift.handler");
    const bus = createEventBus({ onError: () => {} });
    bus.subscribe("a", () => 1, { name: "fine" });
    bus.subscribe(
      "a",
      () => {
        throw new Error("no");
      },
      { name: "throws" },
    );
    bus.subscribe("a", async () => Promise.reject(new Error("later")), { name: "rejects" });
    expect(await bus.publish("a")).toMatchObject({ delivered: 1 });
    const steps = seen.map(({ step, trace }) => `${trace.subscription.name} ${step}`);
    expect(steps).toEqual([
      "fine start",
      "fine end",
      "throws start",
      "throws error",
      "throws end",
      "rejects start",
      "rejects end",
      "rejects error",
      "rejects asyncStart",
      "rejects asyncEnd",
    ]);
  });

  it("change nothing of what is delivered", async () => {
    record("ringrift.publish");
    record("ringrift.handler");
    const bus = createEventBus({ onError: () => {} });
    const seen: string[] = [];
    bus.subscribe("a", () => seen.push("first"), { priority: 1 });
    bus.subscribe("a", () => seen.push("where"), { where: () => false });
    bus.once("a", () => seen.push("once"));
    expect(bus.publishSync("a")).toBe(2);
    expect(bus.publishSync("a")).toBe(1);
    expect(seen).toEqual(["first", "once", "first"]);
  });
});

describe("inspect", () => {
  it("shows topics, subscriptions, cache and dead topics, also in console.log", async () => {
    const bus = createEventBus();
    bus.subscribe("a.b", function first() {});
    bus.subscribe("a.*", function second() {});
    bus.subscribe("a.*", function third() {});
    bus.publishSync("a.b");
    bus.publishSync("a.b");
    for (let n = 0; n < 3; n += 1) await bus.publish("missed");
    const snapshot = bus.inspect();
    expect(snapshot.topics).toEqual([
      { topic: "a.b", subscriptions: 1 },
      { topic: "a.*", subscriptions: 2 },
    ]);
    expect(snapshot.deadTopics).toEqual([{ topic: "missed", events: 3 }]);
    expect(snapshot.stats.routes).toMatchObject({ hits: 3, misses: 2 });
    const text = inspect(bus, { depth: 4 });
    for (const word of ["second", "a.*", "deadTopics", "missed"]) expect(text).toContain(word);
  });

  it("remembers at most 100 dead topics", () => {
    const bus = createEventBus();
    for (let n = 0; n < 150; n += 1) bus.publishSync(`dead.n${n}`);
    const topics = bus.inspect().deadTopics.map(({ topic }) => topic);
    expect(topics).toHaveLength(100);
    expect(topics.at(-1)).toBe("dead.n149");
    expect(topics).not.toContain("dead.n0");
  });
});

describe("the leak warning", () => {
  it("comes once for a topic or pattern with more subscriptions than the limit", () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
    ended.push(() => warn.mockRestore());
    const bus = createEventBus({ leakWarning: 3 });
    for (let n = 0; n < 10; n += 1) bus.subscribe("a.*", () => {});
    for (let n = 0; n < 3; n += 1) bus.subscribe("b", () => {});
    expect(warn.mock.calls).toEqual([
      [
        expect.stringContaining('"a.*" has 4 subscriptions'),
        expect.objectContaining({ code: "RINGRIFT_SUBSCRIPTION_LEAK" }),
      ],
    ]);
  });

  it("can be switched off, and is not due when subscriptions end in time", () => {
    const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
    ended.push(() => warn.mockRestore());
    const quiet = createEventBus({ leakWarning: 0 });
    for (let n = 0; n < 200; n += 1) quiet.subscribe("a", () => {});
    const tidy = createEventBus({ leakWarning: 2 });
    for (let n = 0; n < 200; n += 1) tidy.subscribe("a", () => {})();
    expect(warn).not.toHaveBeenCalled();
  });
});
