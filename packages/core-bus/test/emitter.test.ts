import { EventEmitter } from "eventemitter3";
import { describe, expect, it, vi } from "vitest";
import {
  createEventBus,
  EventBusError,
  type HandlerError,
  toEventEmitter,
  type TopicEmitter,
} from "../src/index.ts";

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof EventBusError) return error.code;
    throw error;
  }
  return undefined;
}

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("It didn't throw.");
}

describe("the emitter of a bus", () => {
  it("hears what is published on the bus, and the bus hears what it emits", async () => {
    const bus = createEventBus<{ "order.placed": { id: string } }>();
    const events = toEventEmitter(bus);
    const heard: string[] = [];
    events.on("order.placed", ({ id }) => heard.push(`emitter ${id}`));
    bus.subscribe("order.placed", (event) => heard.push(`bus ${event.payload.id}`));
    await bus.publish("order.placed", { id: "1" });
    events.emit("order.placed", { id: "2" });
    expect(heard).toEqual(["emitter 1", "bus 1", "emitter 2", "bus 2"]);
  });

  it("gives the bus's history and later subscribers what was emitted", async () => {
    const bus = createEventBus();
    toEventEmitter(bus).emit("order.placed", { id: "1" });
    expect(bus.getHistory({ topic: "order.*" }).map((event) => event.payload)).toEqual([
      { id: "1" },
    ]);
    const replayed = await bus.replay(() => {}, { topic: "order.placed" });
    expect(replayed).toBe(1);
  });

  it("takes its place among the handlers by order of subscription, and after higher priorities", () => {
    const bus = createEventBus();
    const events = toEventEmitter(bus);
    const heard: string[] = [];
    bus.subscribe("a", () => heard.push("bus, first"));
    events.on("a", () => heard.push("emitter"));
    bus.subscribe("*", () => heard.push("bus, last"));
    bus.subscribe("a", () => heard.push("bus, above"), { priority: 1 });
    events.emit("a");
    expect(heard).toEqual(["bus, above", "bus, first", "emitter", "bus, last"]);
  });

  it("takes patterns, and tells their listeners which event it is", () => {
    const events = toEventEmitter(createEventBus());
    const heard: unknown[] = [];
    const listener = (payload: unknown): void => {
      heard.push([events.event?.topic, payload]);
    };
    events.on("training.*", listener);
    events.emit("training.started", 1);
    events.emit("data.new_games", 2);
    events.emit("training.completed", 3);
    expect(heard).toEqual([
      ["training.started", 1],
      ["training.completed", 3],
    ]);
    events.off("training.*", listener);
    expect(events.emit("training.started", 4)).toBe(false);
  });

  it("knows the event of the innermost listener, also after one that threw, and none outside", () => {
    const events = toEventEmitter(createEventBus({ onError: () => {} }));
    const topics: (string | undefined)[] = [];
    const look = (): void => void topics.push(events.event?.topic);
    events.on("outer", () => {
      look();
      events.emit("inner");
      look();
    });
    events.on("inner", () => {
      look();
      throw new Error("broken");
    });
    events.emit("outer");
    look();
    expect(topics).toEqual(["outer", "inner", "outer", undefined]);
  });

  it("shows handlers of the bus several arguments as payload and metadata.moreArguments", async () => {
    const bus = createEventBus();
    const events = toEventEmitter(bus);
    const seen: unknown[] = [];
    bus.subscribe("user.joined", (event) => seen.push(event.payload, event.metadata));
    events.emit("user.joined", "Ada", 36, true);
    expect(seen).toEqual(["Ada", { moreArguments: [36, true] }]);
  });

  it("spreads them again for an event that was published so, as a bridge does", async () => {
    const bus = createEventBus();
    const heard: unknown[][] = [];
    toEventEmitter(bus).on("user.joined", (...args) => heard.push(args));
    await bus.publish("user.joined", "Ada", { metadata: { moreArguments: [36] } });
    await bus.publish("user.joined", "Bob", { metadata: { moreArguments: "not a list" } });
    expect(heard).toEqual([["Ada", 36], ["Bob"]]);
  });

  it("calls a once listener once, whichever side publishes and how many at once", async () => {
    const bus = createEventBus();
    const events = toEventEmitter(bus);
    let calls = 0;
    events.once("a.*", () => void (calls += 1));
    const published = Array.from({ length: 50 }, (_, n) => bus.publish("a.b", n));
    for (let n = 0; n < 50; n += 1) events.emit("a.c", n);
    await Promise.all(published);
    expect(calls).toBe(1);
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it("has its asynchronous listeners awaited by publish and by drain", async () => {
    const bus = createEventBus();
    const events = toEventEmitter(bus);
    const done: string[] = [];
    events.on("a", async (name: string) => {
      await Promise.resolve();
      done.push(name);
    });
    await bus.publish("a", "published");
    expect(done).toEqual(["published"]);
    events.emit("a", "emitted");
    await bus.drain();
    expect(done).toEqual(["published", "emitted"]);
  });

  it("shows under its listener's name in the bus's own view", () => {
    const bus = createEventBus();
    toEventEmitter(bus).once("a.*", function writeLog() {});
    expect(bus.inspect().subscriptions).toMatchObject([
      { topic: "a.*", name: "writeLog", once: true },
    ]);
  });
});

describe("two emitters of one bus", () => {
  it("hear each other's events, and list and remove only listeners of their own", () => {
    const bus = createEventBus();
    const one = toEventEmitter(bus);
    const two = toEventEmitter(bus);
    const heard: string[] = [];
    const listener = (): void => void heard.push("heard");
    one.on("a", listener);
    expect(two.emit("a")).toBe(true);
    expect(heard).toEqual(["heard"]);
    expect(two.eventNames()).toEqual([]);
    expect(two.listenerCount("a")).toBe(0);
    two.off("a", listener).removeAllListeners();
    expect(one.listeners("a")).toEqual([listener]);
  });
});

describe("removed listeners", () => {
  it("leave nothing behind, in the emitter or in the bus", () => {
    const bus = createEventBus();
    const events = toEventEmitter(bus);
    const listener = (): void => {};
    for (let n = 0; n < 100; n += 1) events.on(`topic-${n}`, listener);
    for (let n = 0; n < 100; n += 1) events.off(`topic-${n}`, listener);
    events.once("a", listener).emit("a");
    events.on("b.*", listener).on("b.*", listener).removeAllListeners("b.*");
    events.on("c", listener).once("d", listener).removeAllListeners();
    expect(events.eventNames()).toEqual([]);
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it.each([
    ["once, and called", (events, fn) => events.once("a", fn).emit("a")],
    ["off", (events, fn) => events.on("a", fn).off("a", fn)],
    ["removeAllListeners", (events, fn) => events.on("a.*", fn).removeAllListeners()],
  ] satisfies [string, (events: TopicEmitter, fn: () => void) => unknown][])(
    "are let go of, without another look at the emitter (%s)",
    async (_, addAndRemove) => {
      const bus = createEventBus({ history: false });
      const events = toEventEmitter(bus);
      const listener = (() => {
        const held = { calls: 0 };
        const fn = (): void => void (held.calls += 1);
        addAndRemove(events, fn);
        return new WeakRef(fn);
      })();
      await vi.waitFor(() => {
        globalThis.gc!();
        // Not the function itself: a failed expectation would keep it.
        expect(listener.deref() === undefined).toBe(true);
      });
      expect(events.eventNames()).toEqual([]);
    },
  );

  it("leave the bus's own subscriptions alone", () => {
    const bus = createEventBus();
    bus.subscribe("a", () => {});
    toEventEmitter(bus)
      .on("a", () => {})
      .removeAllListeners();
    expect(bus.stats().subscriptions.all).toBe(1);
  });

  it("are those, too, whose subscription the bus has ended", async () => {
    const bus = createEventBus();
    const events = toEventEmitter(bus);
    events.on("a", () => {}).on("b", () => {});
    bus.unsubscribe({ topic: "a" });
    expect(events.eventNames()).toEqual(["b"]);
    expect(events.listenerCount("a")).toBe(0);
    await bus.close();
    expect(events.eventNames()).toEqual([]);
  });
});

describe("where the emitter of a bus differs from eventemitter3", () => {
  it("a listener that throws stops nobody, and emit doesn't throw it: onError gets it", async () => {
    const plain = new EventEmitter();
    const failures: HandlerError[] = [];
    const facade = toEventEmitter(createEventBus({ onError: (error) => failures.push(error) }));
    const heard: string[] = [];
    for (const emitter of [plain, facade]) {
      emitter.on("a", () => {
        throw new Error("broken");
      });
      emitter.on("a", () => heard.push(emitter === plain ? "plain" : "facade"));
    }
    expect(() => plain.emit("a")).toThrow("broken");
    expect(facade.emit("a")).toBe(true);
    expect(heard).toEqual(["facade"]);
    expect(failures.map((failure) => failure.cause)).toEqual([new Error("broken")]);
  });

  it("a listener that rejects is reported, too", async () => {
    const failures: HandlerError[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error) });
    const events = toEventEmitter(bus);
    events.on("a", () => Promise.reject(new Error("broken")));
    events.emit("a");
    await bus.drain();
    expect(failures.map((failure) => failure.cause)).toEqual([new Error("broken")]);
  });

  it("a listener removed during an emit isn't called any more", () => {
    const called = (emitter: EventEmitter): boolean => {
      let calls = 0;
      const second = (): void => void (calls += 1);
      emitter.on("a", () => emitter.off("a", second)).on("a", second);
      emitter.emit("a");
      return calls > 0;
    };
    expect(called(new EventEmitter())).toBe(true);
    expect(called(toEventEmitter(createEventBus()))).toBe(false);
  });

  it("one call of a once listener spends no other one of the same function", () => {
    const calls = (emitter: EventEmitter): number => {
      let called = 0;
      const again = (): void => {
        called += 1;
        if (called === 1) emitter.once("a", again);
      };
      emitter.once("a", again).once("a", again);
      emitter.emit("a");
      emitter.emit("a");
      return called;
    };
    expect(calls(new EventEmitter())).toBe(2);
    expect(calls(toEventEmitter(createEventBus()))).toBe(3);
  });

  it("eventNames has the order of the first listeners, also for numbers", () => {
    const names = (emitter: EventEmitter): unknown[] => {
      for (const name of ["b", "10", "9"]) emitter.on(name, () => {});
      return emitter.eventNames();
    };
    expect(names(new EventEmitter())).toEqual(["9", "10", "b"]);
    expect(names(toEventEmitter(createEventBus()))).toEqual(["b", "10", "9"]);
  });

  it("emit is true when only the bus had a handler for the event", () => {
    const bus = createEventBus();
    bus.subscribe("a", () => {});
    const events = toEventEmitter(bus);
    expect(events.emit("a")).toBe(true);
    expect(events.listenerCount("a")).toBe(0);
    expect(bus.hasSubscribers("a")).toBe(true);
  });

  it("a lone undefined is no argument, because an event has one payload or none", () => {
    const counts = (emitter: EventEmitter): number[] => {
      const counted: number[] = [];
      emitter.on("a", (...args: unknown[]) => counted.push(args.length));
      emitter.emit("a", undefined);
      return counted;
    };
    expect(counts(new EventEmitter())).toEqual([1]);
    expect(counts(toEventEmitter(createEventBus()))).toEqual([0]);
  });

  it("names with wildcards are patterns to listen to, and not to emit", () => {
    const events = toEventEmitter(createEventBus());
    expect(codeOf(() => events.emit("a.*"))).toBe("INVALID_TOPIC");
    expect(messageOf(() => events.emit("a.*"))).not.toContain("Rename");
    expect(codeOf(() => events.on("a..*", () => {}))).toBe("INVALID_PATTERN");
  });

  it.each(["on", "once", "addListener", "emit"] as const)(
    "%s refuses what cannot be a topic, and says what to do",
    (method) => {
      const events: EventEmitter = toEventEmitter(createEventBus());
      for (const name of ["a:b", "", "a b", Symbol("a"), 7 as never, "a..b"]) {
        expect(codeOf(() => events[method](name, () => {}))).toBe("INVALID_TOPIC");
      }
      const message = messageOf(() => events[method]("user:joined", () => {}));
      expect(message).toContain('Rename the event, for example to "user.joined"');
      expect(message).toContain('fromEventEmitter(emitter, bus, { "user:joined": "user.joined" })');
      expect(messageOf(() => events[method](Symbol("a"), () => {}))).toContain('"Symbol(a)"');
      expect(events.eventNames()).toEqual([]);
    },
  );

  it("a closed bus throws, on emit and on on", async () => {
    const bus = createEventBus();
    const events = toEventEmitter(bus);
    await bus.close();
    expect(codeOf(() => events.emit("a"))).toBe("BUS_CLOSED");
    expect(codeOf(() => events.on("a", () => {}))).toBe("BUS_CLOSED");
    expect(events.off("a").eventNames()).toEqual([]);
  });

  it("listeners that emit each other's events without end get DEPTH_EXCEEDED, not a stack overflow", () => {
    const failures: HandlerError[] = [];
    const bus = createEventBus({ maxDepth: 10, onError: (error) => failures.push(error) });
    const events = toEventEmitter(bus);
    events.on("ping", () => events.emit("pong")).on("pong", () => events.emit("ping"));
    events.emit("ping");
    expect(failures.map((failure) => (failure.cause as EventBusError).code)).toEqual([
      "DEPTH_EXCEEDED",
    ]);
  });

  it("only a missing name removes the listeners of all events", () => {
    const events: EventEmitter = toEventEmitter(createEventBus());
    events.on("a", () => {}).removeAllListeners("");
    expect(events.eventNames()).toEqual(["a"]);
  });
});
