import { describe, expect, it } from "vitest";
import { createEventBus, type EventBus, type Subscription } from "../src/index.ts";

async function collect(gone: () => boolean): Promise<void> {
  for (let round = 0; round < 50 && !gone(); round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    globalThis.gc!();
  }
}

class Widget {
  readonly seen: number[];
  constructor(seen: number[]) {
    this.seen = seen;
  }
}

/** Makes an owner whose handler and predicate refer to it, and keeps only a weak reference. */
function subscribeTransient(bus: EventBus, seen: number[]): [WeakRef<Widget>, Subscription] {
  const widget = new Widget(seen);
  const sub = bus.subscribe("a.*", (event) => widget.seen.push(event.payload), {
    owner: widget,
    where: (event) => widget.seen.length < 100 && event.payload > 0,
  });
  return [new WeakRef(widget), sub];
}

describe("owner", () => {
  it("is held weakly, and the handler through it: both go when nobody else holds it", async () => {
    const bus = createEventBus();
    const seen: number[] = [];
    const ended: Subscription[] = [];
    bus.signals.on("unsubscribed", (sub) => ended.push(sub));
    const [widget, sub] = subscribeTransient(bus, seen);
    bus.publishSync("a.b", 1);
    expect(seen).toEqual([1]);
    await collect(() => widget.deref() === undefined && !sub.active);
    expect(widget.deref()).toBeUndefined();
    expect(sub.active).toBe(false);
    expect(bus.publishSync("a.b", 2)).toBe(0);
    expect(bus.stats().subscriptions.all).toBe(0);
    expect(seen).toEqual([1]);
    expect(ended).toEqual([sub]);
  });

  it("keeps its handler alive as long as it lives, also one that nobody else holds", async () => {
    const bus = createEventBus();
    const owner = {};
    const seen: number[] = [];
    bus.subscribe("a", (event) => seen.push(event.payload), { owner });
    for (let round = 0; round < 5; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      globalThis.gc!();
    }
    bus.publishSync("a", 1);
    expect(seen).toEqual([1]);
    expect(owner).toBeTypeOf("object");
  });

  it("is what its handler is called with as this", async () => {
    const bus = createEventBus();
    class Counter {
      count = 0;
      add(): void {
        this.count += 1;
      }
    }
    const counter = new Counter();
    bus.subscribe("a", counter.add, { owner: counter });
    await bus.publish("a");
    bus.publishSync("a");
    expect(counter.count).toBe(2);
  });

  it("doesn't go while its handler runs", async () => {
    const bus = createEventBus();
    const done: number[] = [];
    (() => {
      const widget = new Widget(done);
      bus.subscribe(
        "a",
        async function (this: void, event) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          widget.seen.push(event.payload);
        },
        { owner: widget },
      );
    })();
    const publish = bus.publish("a", 1);
    await collect(() => done.length > 0);
    await publish;
    expect(done).toEqual([1]);
  });

  it("may end its subscription like anyone", () => {
    const bus = createEventBus();
    const owner = {};
    bus.subscribe("a", () => {}, { owner })();
    expect(bus.hasSubscribers("a")).toBe(false);
  });

  it("of a subscription without one plays no part: its handler stays", async () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.subscribe("a", (event) => seen.push(event.payload));
    await collect(() => false);
    bus.publishSync("a", 1);
    expect(seen).toEqual([1]);
  });
});

describe("a subscription that has ended", () => {
  it("lets go of its handler at once, though routes are cached", async () => {
    const bus = createEventBus();
    const handler = ((): WeakRef<object> => {
      const payload = { big: true };
      const sub = bus.subscribe("a.*", () => payload);
      bus.publishSync("a.b");
      sub();
      return new WeakRef(payload);
    })();
    await collect(() => handler.deref() === undefined);
    expect(handler.deref()).toBeUndefined();
  });
});
