import { EventEmitter as NodeEmitter } from "node:events";
import type { EventView } from "@ringrift/envelope";
import { EventEmitter } from "eventemitter3";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createEventBus,
  type EmitterLike,
  EventBusError,
  fromEventEmitter,
  toEventEmitter,
} from "../src/index.ts";

interface CodedWarning extends Error {
  code?: string;
}

/** What both kinds of emitter have. */
interface AnyEmitter extends EmitterLike {
  emit(name: string | symbol, ...args: unknown[]): boolean;
  eventNames(): (string | symbol)[];
  listeners(name: string): unknown[];
  listenerCount(name: string): number;
}

const warnings: CodedWarning[] = [];
/** Collects the warnings that a test provokes, in place of printing them. */
const printers = process.listeners("warning");
beforeEach(() => {
  warnings.length = 0;
  process.removeAllListeners("warning");
  process.on("warning", (warning: CodedWarning) => {
    if (warning.code === "RINGRIFT_HANDLER_ERROR") warnings.push(warning);
  });
});
afterEach(() => {
  process.removeAllListeners("warning");
  for (const printer of printers) process.on("warning", printer);
});

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof EventBusError) return error.code;
    throw error;
  }
  return undefined;
}

describe.each([
  { name: "eventemitter3", make: (): AnyEmitter => new EventEmitter() },
  { name: "node:events", make: (): AnyEmitter => new NodeEmitter() },
])("fromEventEmitter($name)", ({ make }) => {
  it("publishes the mapped events under their topics, and no others", () => {
    const emitter = make();
    const bus = createEventBus();
    fromEventEmitter(emitter, bus, { placed: "order.placed", paid: "order.paid" });
    emitter.emit("placed", { id: "A" });
    emitter.emit("paid", { id: "B" });
    emitter.emit("shipped", { id: "C" });
    expect(bus.getHistory().map(({ topic, payload }) => [topic, payload])).toEqual([
      ["order.paid", { id: "B" }],
      ["order.placed", { id: "A" }],
    ]);
  });

  it("calls the bus's handlers before emit returns", () => {
    const emitter = make();
    const bus = createEventBus();
    fromEventEmitter(emitter, bus, { placed: "order.placed" });
    const heard: unknown[] = [];
    bus.subscribe("order.*", (event) => heard.push(event.payload));
    emitter.emit("placed", 1);
    expect(heard).toEqual([1]);
  });

  it("makes the payload of all arguments with a function", () => {
    const emitter = make();
    const bus = createEventBus<{ "user.joined": { name: string; age: number } }>();
    fromEventEmitter(emitter, bus, {
      joined: { topic: "user.joined", payload: (name: string, age: number) => ({ name, age }) },
    });
    emitter.emit("joined", "Ada", 36);
    expect(bus.getHistory()[0]).toMatchObject({ payload: { name: "Ada", age: 36 }, metadata: {} });
  });

  it("without one takes the first argument, and keeps the others in metadata.moreArguments", () => {
    const emitter = make();
    const bus = createEventBus();
    fromEventEmitter(emitter, bus, { joined: "user.joined", tick: "tick" });
    const heard: unknown[][] = [];
    toEventEmitter(bus).on("user.joined", (...args) => heard.push(args));
    emitter.emit("joined", "Ada", 36, true);
    emitter.emit("tick");
    expect(heard).toEqual([["Ada", 36, true]]);
    expect(bus.getHistory().map(({ payload, metadata }) => [payload, metadata])).toEqual([
      [undefined, {}],
      ["Ada", { moreArguments: [36, true] }],
    ]);
  });

  it("listens to names that are symbols or no topics", () => {
    const emitter = make();
    const bus = createEventBus();
    const secret = Symbol("secret");
    fromEventEmitter(emitter, bus, { "user:joined": "user.joined", [secret]: "secret" });
    emitter.emit("user:joined", 1);
    emitter.emit(secret, 2);
    expect(bus.getHistory().map((event) => event.topic)).toEqual(["secret", "user.joined"]);
  });

  it("leaves no listener behind when it ends, however it ends and how often", () => {
    const emitter = make();
    const bus = createEventBus();
    const own = (): void => {};
    emitter.on("placed", own);
    const map = { placed: "order.placed", paid: "order.paid" };
    const forwarding = fromEventEmitter(emitter, bus, map);
    {
      using scoped = fromEventEmitter(emitter, bus, map);
      expect(scoped.active).toBe(true);
      expect(emitter.listenerCount("paid")).toBe(2);
    }
    forwarding();
    forwarding();
    forwarding[Symbol.dispose]();
    expect(forwarding.active).toBe(false);
    expect(emitter.listeners("placed")).toEqual([own]);
    expect(emitter.eventNames()).toEqual(["placed"]);
    emitter.emit("placed", 1);
    expect(bus.stats().published).toBe(0);
  });

  it("publishes nothing more once it has ended, even within an emit", () => {
    const emitter = make();
    const bus = createEventBus();
    emitter.on("placed", () => forwarding());
    const forwarding = fromEventEmitter(emitter, bus, { placed: "order.placed" });
    emitter.emit("placed", 1);
    expect(bus.stats().published).toBe(0);
  });

  it("keeps failures from the code that emits, and reports them", async () => {
    const emitter = make();
    const bus = createEventBus();
    fromEventEmitter(emitter, bus, {
      joined: {
        topic: "user.joined",
        payload: () => {
          throw new Error("no name");
        },
      },
    });
    const heard: unknown[] = [];
    emitter.on("joined", (name: unknown) => heard.push(name));
    emitter.emit("joined", "Ada");
    expect(heard).toEqual(["Ada"]);
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]?.message).toBe(
      'Event "joined" of an emitter was not published: Error: no name',
    );
  });

  it("ends with one warning when the bus is closed", async () => {
    const emitter = make();
    const bus = createEventBus();
    const forwarding = fromEventEmitter(emitter, bus, { a: "a", b: "b" });
    await bus.close();
    emitter.emit("a");
    emitter.emit("b");
    expect(forwarding.active).toBe(false);
    expect(emitter.eventNames()).toEqual([]);
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]?.message).toContain("none will be any more");
  });

  it("refuses a bad topic before it listens to anything", () => {
    const emitter = make();
    const bus = createEventBus();
    for (const topic of ["a:b", "", "a.*", undefined, { topic: "a.*", payload: () => 1 }]) {
      const map = { fine: "fine", bad: topic as string };
      expect(codeOf(() => fromEventEmitter(emitter, bus, map))).toBe("INVALID_TOPIC");
    }
    const map = { a: { topic: "a", payload: "no function" as never } };
    expect(codeOf(() => fromEventEmitter(emitter, bus, map))).toBe("INVALID_OPTION");
    expect(emitter.eventNames()).toEqual([]);
    expect(bus.stats().subscriptions.all).toBe(0);
  });
});

describe("fromEventEmitter on a bus with a catalogue", () => {
  it("refuses another bus's name of an event", () => {
    const events: EventView<{ "order.placed": number }> = {
      kind: "topics",
      names: new Set(["order.placed"]),
      canonical: (name) => (name === "ORDER_PLACED" ? "order.placed" : undefined),
    };
    const emitter = new EventEmitter();
    const map = { placed: "ORDER_PLACED" as "order.placed" };
    expect(codeOf(() => fromEventEmitter(emitter, createEventBus({ events }), map))).toBe(
      "WRONG_NAME",
    );
    expect(emitter.eventNames()).toEqual([]);
  });
});

describe("fromEventEmitter and toEventEmitter", () => {
  it("of one bus is refused, because every event would come again", () => {
    const bus = createEventBus();
    const events = toEventEmitter(bus);
    expect(codeOf(() => fromEventEmitter(events, bus, { a: "b" }))).toBe("INVALID_OPTION");
    expect(events.eventNames()).toEqual([]);
  });

  it("of two buses carries events from one to the other", () => {
    const source = createEventBus();
    const target = createEventBus();
    fromEventEmitter(toEventEmitter(source), target, { a: "copied.a" });
    source.publishSync("a", 1);
    expect(target.getHistory()).toMatchObject([{ topic: "copied.a", payload: 1 }]);
  });

  it("in a circle of two buses stops at the depth limit, and says so", async () => {
    const one = createEventBus({ maxDepth: 5 });
    const two = createEventBus({ maxDepth: 5 });
    fromEventEmitter(toEventEmitter(one), two, { a: "a" });
    fromEventEmitter(toEventEmitter(two), one, { a: "a" });
    one.publishSync("a");
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]?.message).toContain("unfinished publishes");
  });
});
