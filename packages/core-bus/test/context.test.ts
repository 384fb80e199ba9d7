import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createEventBus } from "../src/index.ts";

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("the asynchronous context", () => {
  const storage = new AsyncLocalStorage<string>();

  it("of a handler is its publisher's, not its subscriber's, before and after an await", async () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    storage.run("subscriber", () =>
      bus.subscribe("a", async () => {
        seen.push(storage.getStore());
        await tick();
        seen.push(storage.getStore());
      }),
    );
    storage.run("publishSync", () => bus.publishSync("a"));
    await bus.drain();
    await storage.run("publish", () => bus.publish("a"));
    await bus.publish("a");
    expect(seen).toEqual([
      "publishSync",
      "publishSync",
      "publish",
      "publish",
      undefined,
      undefined,
    ]);
  });

  it("of a handler behind a slow one is still its publisher's", async () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    bus.subscribe("a", tick);
    bus.subscribe("a", () => seen.push(storage.getStore()));
    await Promise.all([1, 2, 3].map((n) => storage.run(`request ${n}`, () => bus.publish("a"))));
    expect(seen).toEqual(["request 1", "request 2", "request 3"]);
  });

  it("that a handler enters reaches neither the next handler nor the publisher", async () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    bus.subscribe("a", () => storage.run("handler", async () => tick()));
    bus.subscribe("a", () => seen.push(storage.getStore()));
    await storage.run("publisher", async () => {
      await bus.publish("a");
      seen.push(storage.getStore());
    });
    expect(seen).toEqual(["publisher", "publisher"]);
  });

  it("of a handler that catches up is its subscriber's, and then its publishers'", async () => {
    const bus = createEventBus();
    storage.run("publisher of the past", () => bus.publishSync("a", "past"));
    const seen: unknown[] = [];
    storage.run("subscriber", () =>
      bus.subscribe(
        "a",
        async (event) => {
          await tick();
          seen.push([event.payload, storage.getStore()]);
        },
        { replay: true },
      ),
    );
    await storage.run("publisher", () => bus.publish("a", "meanwhile"));
    await storage.run("publisher", () => bus.publish("a", "live"));
    expect(seen).toEqual([
      ["past", "subscriber"],
      ["meanwhile", "subscriber"],
      ["live", "publisher"],
    ]);
  });

  it("of a loop over a stream, and of a wait, is the reader's", async () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    const reading = storage.run("reader", async () => {
      for await (const event of bus.stream("a")) {
        seen.push([event.payload, storage.getStore()]);
        if (event.payload === 2) break;
      }
      await bus.waitFor("b");
      seen.push(["waited", storage.getStore()]);
    });
    storage.run("publisher", () => bus.publishSync("a", 1));
    await tick();
    storage.run("publisher", () => bus.publishSync("a", 2));
    await tick();
    storage.run("publisher", () => bus.publishSync("b"));
    await reading;
    expect(seen).toEqual([
      [1, "reader"],
      [2, "reader"],
      ["waited", "reader"],
    ]);
  });
});

describe("a clock that goes backwards", () => {
  afterEach(() => vi.restoreAllMocks());

  it("makes no event older than the one before, nor its id smaller", async () => {
    const bus = createEventBus();
    const now = Date.now() + 10_000;
    const clock = vi.spyOn(Date, "now").mockReturnValue(now);
    const events = [];
    for (const offset of [0, -3_600_000, 1, -1, -86_400_000, 2]) {
      clock.mockReturnValue(now + offset);
      // A new turn of the event loop, in case the clock is read once a turn.
      await tick();
      events.push((await bus.publish("a")).event);
      bus.publishSync("a");
    }
    const times = events.map((event) => event.time);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(times[0]).toBeGreaterThanOrEqual(now);
    expect(times.at(-1)).toBeLessThanOrEqual(now + 2);
    const ids = bus
      .getHistory()
      .map((event) => event.id)
      .toReversed();
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(12);
  });

  it("hides no retained event from a search by time, in order of publishing", async () => {
    const bus = createEventBus();
    const now = Date.now() + 20_000;
    const clock = vi.spyOn(Date, "now").mockReturnValue(now);
    await tick();
    bus.publishSync("a", 1);
    clock.mockReturnValue(now - 3_600_000);
    await tick();
    bus.publishSync("a", 2);
    expect(bus.getHistory({ since: now }).map((event) => event.payload)).toEqual([2, 1]);
    const seen: unknown[] = [];
    await bus.replay((event) => seen.push(event.payload), { since: now });
    expect(seen).toEqual([1, 2]);
  });
});

describe("an event's payload", () => {
  it("is the publisher's own object for everyone: what one changes, all see", async () => {
    const bus = createEventBus();
    const payload = { steps: ["published"] };
    const seen: string[][] = [];
    bus.subscribe("a", (event) => void event.payload.steps.push("first"));
    bus.subscribe("a", (event) => seen.push([...event.payload.steps]));
    const { event } = await bus.publish("a", payload);
    payload.steps.push("publisher");
    expect(seen).toEqual([["published", "first"]]);
    expect(event.payload).toBe(payload);
    expect(bus.getHistory()[0]!.payload).toBe(payload);
    await bus.replay((replayed) => seen.push(replayed.payload.steps));
    expect(seen[1]).toEqual(["published", "first", "publisher"]);
  });

  it("may be frozen, and stays so", async () => {
    const bus = createEventBus({ onError: () => {} });
    bus.subscribe("a", (event) => {
      event.payload.n = 2;
    });
    const { event, errors } = await bus.publish("a", Object.freeze({ n: 1 }));
    expect(event.payload).toEqual({ n: 1 });
    expect(errors).toEqual([expect.objectContaining({ cause: expect.any(TypeError) })]);
  });
});
