import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { createEventBus, type EventBus, type Subscription } from "../src/index.ts";

const MIB = 1024 * 1024;
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

async function collect(gone: () => boolean): Promise<void> {
  for (let round = 0; round < 50 && !gone(); round += 1) {
    await tick();
    globalThis.gc!();
  }
}

/** What is in use when all that can be collected is. */
async function heapInUse(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    await tick();
    globalThis.gc!();
  }
  return process.memoryUsage().heapUsed;
}

/** How much more is in use after some work than before, once the work has run warm. */
async function growth(work: (from: number) => void): Promise<number> {
  work(0);
  const before = await heapInUse();
  work(1_000_000);
  return (await heapInUse()) - before;
}

describe("one-off subscriptions leave nothing behind", () => {
  const COUNT = 5000;

  it.each<[string, (bus: EventBus, n: number) => Subscription]>([
    ["topics", (bus, n) => bus.subscribe(`user.${n}.seen`, () => {})],
    ["patterns", (bus, n) => bus.subscribe(`user.${n}.*`, () => {})],
    ["patterns with '**' first", (bus, n) => bus.subscribe(`**.user.*.${n}`, () => {})],
    ["partial wildcards", (bus, n) => bus.subscribe(`user${n}-*.seen`, () => {})],
    ["alternatives", (bus, n) => bus.subscribe(`user.{${n},x${n}}.**`, () => {})],
    ["filters", (bus, n) => bus.subscribe({ topicPattern: /user/, source: `s${n}` }, () => {})],
  ])("of %s", async (_, subscribe) => {
    const bus = createEventBus({ history: false });
    const grown = await growth((from) => {
      for (let n = from; n < from + COUNT; n += 1) {
        const sub = subscribe(bus, n);
        if (n % 100 === 0) bus.publishSync(`user.${n}.seen`);
        sub();
      }
    });
    expect(bus.stats().subscriptions.all).toBe(0);
    expect(grown).toBeLessThan(MIB);
  });

  it("in any order of their ends, while others stay", async () => {
    const bus = createEventBus({ history: false });
    bus.subscribe("user.*.*", () => {});
    bus.subscribe("**", () => {});
    const grown = await growth((from) => {
      const subs = Array.from({ length: COUNT }, (_, n) =>
        bus.subscribe(`user.${(from + n) >> 2}.*.p${n % 4}`, () => {}),
      );
      for (let n = 1; n < COUNT; n += 2) subs[n]!();
      for (let n = 0; n < COUNT; n += 2) subs[n]!();
    });
    expect(bus.stats().subscriptions.all).toBe(2);
    expect(grown).toBeLessThan(MIB);
  });
});

describe("events", () => {
  it("of ever new topics leave nothing behind but the route cache", async () => {
    const bus = createEventBus({ history: false });
    bus.subscribe("user.*.seen", () => {});
    const grown = await growth((from) => {
      for (let n = from; n < from + 20_000; n += 1) bus.publishSync(`user.${n}.seen`, { n });
    });
    expect(bus.stats().routes.size).toBeLessThanOrEqual(1024);
    expect(grown).toBeLessThan(MIB);
  });

  it("that were published are let go of when their handlers have settled, without a history", async () => {
    const bus = createEventBus({ history: false });
    bus.subscribe("a", async () => tick());
    const payloads: WeakRef<object>[] = [];
    const publish = (deliver: (payload: object) => unknown): void => {
      const payload = {};
      payloads.push(new WeakRef(payload));
      deliver(payload);
    };
    publish((payload) => bus.publish("a", payload));
    publish((payload) => bus.publishSync("a", payload));
    publish((payload) => bus.publishSync("nobody", payload));
    await bus.drain();
    const gone = (): boolean => payloads.every((payload) => payload.deref() === undefined);
    await collect(gone);
    expect(payloads.map((payload) => payload.deref())).toEqual([undefined, undefined, undefined]);
  });

  it("that a stream dropped, or gave to its reader, or had when it ended are let go of", async () => {
    const bus = createEventBus({ history: false });
    const stream = bus.stream("a", { bufferSize: 3 });
    const payloads = Array.from({ length: 5 }, (_, n) => {
      const payload = { n };
      bus.publishSync("a", payload);
      return new WeakRef(payload);
    });
    const alive = (): boolean[] => payloads.map((payload) => payload.deref() !== undefined);
    await collect(() => !alive()[1]);
    expect(alive()).toEqual([false, false, true, true, true]);
    await (async () => expect((await stream.next()).value!.payload).toEqual({ n: 2 }))();
    await collect(() => !alive()[2]);
    expect(alive()).toEqual([false, false, false, true, true]);
    await stream.return();
    await collect(() => !alive()[4]);
    expect(alive()).toEqual([false, false, false, false, false]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("of the past that a stream began with are let go of as it is read", async () => {
    const bus = createEventBus({ history: 2 });
    const published = Array.from({ length: 2 }, (_, n) => {
      const payload = { n };
      bus.publishSync("a", payload);
      return new WeakRef(payload);
    });
    const stream = bus.stream("a", { replay: true });
    // Out of the history: the stream alone has them now.
    for (let n = 0; n < 2; n += 1) bus.publishSync("other");
    for (let n = 0; n < 2; n += 1) await stream.next();
    await collect(() => published.every((payload) => payload.deref() === undefined));
    expect(published.map((payload) => payload.deref())).toEqual([undefined, undefined]);
    expect(stream.buffered).toBe(0);
  });
});

describe("a handler", () => {
  it.each<[string, (bus: EventBus, handler: () => void, controller: AbortController) => void]>([
    ["was once", (bus, handler) => void bus.once("*", handler)],
    ["was aborted", (bus, handler, { signal }) => void bus.subscribe("*", handler, { signal })],
    [
      "never began, for its signal was aborted already",
      (bus, handler) => void bus.subscribe("*", handler, { signal: AbortSignal.abort() }),
    ],
    [
      "is gone with its topic",
      (bus, handler) => {
        bus.subscribe("*", handler);
        bus.publishSync("a");
        bus.unsubscribe({ topic: "*" });
      },
    ],
  ])(
    "that %s is let go of, though the bus, its routes and the signal live on",
    async (_, begin) => {
      const bus = createEventBus({ history: false });
      const controller = new AbortController();
      const held = (() => {
        const payload = { held: true };
        begin(bus, () => void payload.held, controller);
        return new WeakRef(payload);
      })();
      bus.publishSync("a");
      controller.abort();
      await collect(() => held.deref() === undefined);
      expect(held.deref()).toBeUndefined();
      expect(bus.stats().subscriptions.all).toBe(0);
    },
  );

  it("of a collected owner is not called by a publish that comes before the finalizer", async () => {
    const bus = createEventBus();
    const calls: string[] = [];
    const ref = (() => {
      const owner = {};
      bus.subscribe("a", () => calls.push("owned"), { owner });
      return new WeakRef(owner);
    })();
    await tick();
    // In one turn: a finalizer runs in a later one.
    globalThis.gc!();
    const subscriptions = bus.stats().subscriptions.all;
    const called = bus.publishSync("a");
    expect([subscriptions, called, ref.deref()]).toEqual([1, 0, undefined]);
    expect(calls).toEqual([]);
    expect(bus.hasSubscribers("a")).toBe(false);
  });

  it("of a collected owner leaves no listener on its signal", async () => {
    const bus = createEventBus();
    const { signal } = new AbortController();
    (() => {
      for (let n = 0; n < 10; n += 1) bus.subscribe("a", () => {}, { owner: {}, signal });
    })();
    expect(getEventListeners(signal, "abort")).toHaveLength(10);
    await collect(() => bus.stats().subscriptions.all === 0);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("bound to its owner, or an arrow that refers to it, doesn't keep the owner", async () => {
    const bus = createEventBus();
    const owners = (() => {
      class Panel {
        title = "";
        show(): void {
          this.title = "shown";
        }
      }
      const bound = new Panel();
      bus.subscribe("a", bound.show.bind(bound), { owner: bound });
      const arrow = new Panel();
      bus.subscribe("a.*", () => arrow.show(), { owner: arrow, where: () => arrow.title === "" });
      const both = new Panel();
      bus.subscribe("a", () => both.show(), { owner: both });
      bus.subscribe("b", () => both.show(), { owner: both, once: true });
      return [bound, arrow, both].map((owner) => new WeakRef(owner));
    })();
    const alive = (): number => owners.filter((owner) => owner.deref()).length;
    await collect(() => alive() === 0 && bus.stats().subscriptions.all === 0);
    expect([alive(), bus.stats().subscriptions.all]).toEqual([0, 0]);
  });
});

describe("a bus", () => {
  it("that was closed is let go of, though signals that it listened to live on", async () => {
    const { signal } = new AbortController();
    const ref = await (async () => {
      const bus = createEventBus();
      bus.subscribe("a", () => bus.publish("b"), { signal });
      bus.stream("a", { signal });
      bus.waitFor("b", { signal }).catch(() => {});
      await bus.publish("a");
      await bus.close();
      return new WeakRef(bus);
    })();
    await collect(() => ref.deref() === undefined);
    expect(ref.deref()).toBeUndefined();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("that nobody holds is let go of without a close, its subscriptions with it", async () => {
    const ref = (() => {
      const bus = createEventBus();
      bus.subscribe("a.*", () => bus.publishSync("b"));
      bus.subscribe("b", () => {}, { owner: bus });
      bus.publishSync("a.b");
      return new WeakRef(bus);
    })();
    await collect(() => ref.deref() === undefined);
    expect(ref.deref()).toBeUndefined();
  });
});
