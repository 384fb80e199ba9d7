import fc from "fast-check";
import { currentEvent } from "@ringrift/envelope";
import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("replay", () => {
  it("calls one handler for all that is retained, oldest first, and nobody else", async () => {
    const bus = createEventBus();
    let live = 0;
    bus.subscribe("**", () => {
      live += 1;
    });
    for (let n = 0; n < 300; n += 1) bus.publishSync(n % 3 ? "training.step" : "other", n);
    const seen: number[] = [];
    const count = await bus.replay((event) => seen.push(event.payload), { topic: "training.*" });
    expect(count).toBe(200);
    expect(seen).toEqual(Array.from({ length: 300 }, (_, n) => n).filter((n) => n % 3));
    expect(live).toBe(300);
  });

  it("awaits each call before the next, and counts those that succeed", async () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error.cause) });
    for (let n = 0; n < 4; n += 1) bus.publishSync("a", n);
    let running = 0;
    const seen: number[] = [];
    const count = await bus.replay(async (event) => {
      running += 1;
      expect(running).toBe(1);
      await tick();
      running -= 1;
      seen.push(event.payload);
      if (event.payload === 1) throw new Error("one");
    });
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(count).toBe(3);
    expect(failures).toEqual([new Error("one")]);
  });

  it("gives the very events of the history, each as the one being handled", async () => {
    const bus = createEventBus();
    const { event } = await bus.publish("a", 1);
    const seen: unknown[] = [];
    await bus.replay((replayed) => {
      seen.push(replayed === event, currentEvent() === event);
      bus.publishSync("child");
    });
    expect(seen).toEqual([true, true]);
    expect(bus.getHistory({ topic: "child" })[0]!.causationId).toBe(event.id);
  });

  it("takes what is retained at the call, not what comes meanwhile", async () => {
    const bus = createEventBus();
    bus.publishSync("a", 1);
    const seen: number[] = [];
    await bus.replay(async (event) => {
      seen.push(event.payload);
      await bus.publish("a", 2);
    });
    expect(seen).toEqual([1]);
  });

  it("has all of 10,000 retained events, complete and in order, of 12,000 that were published", async () => {
    const bus = createEventBus({ history: 10_000 });
    for (let n = 0; n < 12_000; n += 1) bus.publishSync(n % 10 ? "training.step" : "other.step", n);
    const all = Array.from({ length: 10_000 }, (_, n) => n + 2000);
    const replayed: number[] = [];
    expect(await bus.replay((event) => replayed.push(event.payload))).toBe(10_000);
    expect(replayed).toEqual(all);
    const some: number[] = [];
    await bus.replay(async (event) => some.push(event.payload), { topic: "training.*" });
    expect(some).toEqual(all.filter((n) => n % 10));
    const caughtUp: number[] = [];
    bus.subscribe("**", async (event) => caughtUp.push(event.payload), { replay: true });
    for (let n = 12_000; n < 14_000; n += 1) bus.publishSync("other.step", n);
    await bus.drain();
    expect(caughtUp).toEqual([...all, ...Array.from({ length: 2000 }, (_, n) => n + 12_000)]);
  });

  it("resolves to 0 where nothing matches", async () => {
    const bus = createEventBus();
    expect(await bus.replay(() => {}, { topic: "a.**" })).toBe(0);
  });
});

describe("subscribe with replay", () => {
  it("catches up, oldest first, and then goes live", async () => {
    const bus = createEventBus();
    for (let n = 0; n < 3; n += 1) bus.publishSync("a", n);
    const seen: number[] = [];
    bus.subscribe("a", (event) => seen.push(event.payload), { replay: true });
    expect(seen).toEqual([0, 1, 2]);
    bus.publishSync("a", 3);
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it("begins at a moment, or with the newest so many", () => {
    const bus = createEventBus();
    for (let n = 0; n < 5; n += 1) bus.publishSync("a", n);
    const [newest] = bus.getHistory();
    const seen: number[] = [];
    bus.subscribe("a", (event) => seen.push(event.payload), { replay: { limit: 2 } });
    expect(seen).toEqual([3, 4]);
    seen.length = 0;
    bus.subscribe("a", (event) => seen.push(event.payload), {
      replay: { since: newest!.time + 60_000 },
    });
    expect(seen).toEqual([]);
  });

  it("keeps to its filter, its predicate and once", () => {
    const bus = createEventBus();
    for (let n = 0; n < 5; n += 1) bus.publishSync("a", n, { source: n % 2 ? "odd" : "even" });
    const seen: number[] = [];
    bus.subscribe({ source: "odd" }, (event) => seen.push(event.payload), { replay: true });
    expect(seen).toEqual([1, 3]);
    seen.length = 0;
    const sub = bus.once("a", (event) => seen.push(event.payload), {
      replay: true,
      where: (event) => event.payload > 1,
    });
    bus.publishSync("a", 9);
    expect(seen).toEqual([2]);
    expect(sub.active).toBe(false);
  });

  it("puts what is published meanwhile behind the past, and its publish waits for it", async () => {
    const bus = createEventBus();
    for (let n = 0; n < 3; n += 1) bus.publishSync("a", n);
    const seen: number[] = [];
    const slow = async (event: { payload: number }): Promise<void> => {
      await tick();
      seen.push(event.payload);
    };
    bus.subscribe("a", slow, { replay: true });
    bus.publishSync("a", 3);
    const { delivered } = await bus.publish("a", 4);
    expect(seen).toEqual([0, 1, 2, 3, 4]);
    expect(delivered).toBe(1);
  });

  it("has no gap and no duplicate, whatever is published when", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("sync", "async", "wait", "subscribe", "nested"), {
          maxLength: 30,
        }),
        async (steps) => {
          const bus = createEventBus();
          const subscribers: number[][] = [];
          const published: number[] = [];
          const running: Promise<unknown>[] = [];
          const next = (): number => published.push(published.length) - 1;
          bus.subscribe("trigger", async () => {
            await tick();
            await bus.publish("a.x", next());
          });
          for (const step of steps) {
            if (step === "sync") bus.publishSync("a.x", next());
            else if (step === "async") running.push(bus.publish("a.y", next()));
            else if (step === "wait") await tick();
            else if (step === "nested") running.push(bus.publish("trigger"));
            else {
              const seen: number[] = [];
              subscribers.push(seen);
              bus.subscribe(
                "a.*",
                async (event) => {
                  if (event.payload % 2) await tick();
                  seen.push(event.payload);
                },
                { replay: true },
              );
            }
          }
          await Promise.all(running);
          await bus.drain();
          for (const seen of subscribers) {
            expect(seen.toSorted((a, b) => a - b)).toEqual(published);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("has no gap and no duplicate while the history turns over under it", async () => {
    const bus = createEventBus({ history: 10 });
    for (let n = 0; n < 15; n += 1) bus.publishSync("a", n);
    const seen: number[] = [];
    bus.subscribe(
      "a",
      async (event) => {
        await tick();
        seen.push(event.payload);
      },
      { replay: true },
    );
    for (let n = 15; n < 60; n += 1) {
      if (n % 3) bus.publishSync("a", n);
      else await bus.publish("a", n);
    }
    await bus.drain();
    expect(seen).toEqual(Array.from({ length: 55 }, (_, n) => n + 5));
  });

  it("calls in order as long as it is catching up, so that the past comes before the present", async () => {
    const bus = createEventBus();
    for (let n = 0; n < 20; n += 1) bus.publishSync("a", n);
    const seen: number[] = [];
    bus.subscribe(
      "a",
      async (event) => {
        if (event.payload % 3 === 0) await tick();
        seen.push(event.payload);
      },
      { replay: true },
    );
    for (let n = 20; n < 40; n += 1) bus.publishSync("a", n);
    await bus.drain();
    expect(seen).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it("in the handler of an event gets that event once", async () => {
    const bus = createEventBus();
    const seen: number[] = [];
    bus.subscribe("a", (event) => {
      if (event.payload === 1) {
        bus.subscribe("a", (later) => seen.push(later.payload), { replay: true });
      }
    });
    await bus.publish("a", 1);
    await bus.publish("a", 2);
    expect(seen).toEqual([1, 2]);
  });

  it("doesn't wait for itself when its handler publishes what it subscribes to", async () => {
    const bus = createEventBus();
    bus.publishSync("a.first", 1);
    bus.subscribe("relay", async () => {
      await bus.publish("a.third", 3);
    });
    const seen: number[] = [];
    bus.subscribe(
      "a.*",
      async (event) => {
        seen.push(event.payload);
        if (event.payload !== 1) return;
        await tick();
        await bus.publish("a.second", 2);
        await bus.publish("relay");
      },
      { replay: true },
    );
    expect(await bus.drain({ timeoutMs: 5000 })).toMatchObject({ drained: true });
    expect(seen).toEqual([1, 2, 3]);
  });

  it("may wait in its handler for another event", async () => {
    const bus = createEventBus();
    bus.publishSync("a", "past");
    const seen: unknown[] = [];
    bus.subscribe(
      "*",
      async (event) => {
        if (event.payload === "past") await bus.waitFor("answer");
        seen.push(event.payload);
      },
      { replay: true },
    );
    await bus.publish("answer", "present");
    expect(seen).toEqual(["past", "present"]);
  });

  it("reports failures on past events, and failures on live ones to their publisher", async () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error.event.payload) });
    bus.publishSync("a", 1);
    bus.publishSync("a", 2);
    bus.subscribe(
      "a",
      async () => {
        await tick();
        throw new Error("no");
      },
      { replay: true },
    );
    const { errors } = await bus.publish("a", 3);
    expect(errors).toHaveLength(1);
    expect(failures).toEqual([1, 2, 3]);
    expect(bus.stats().failed).toBe(3);
  });

  it("ends in the middle when it is ended", async () => {
    const bus = createEventBus();
    for (let n = 0; n < 10; n += 1) bus.publishSync("a", n);
    const seen: number[] = [];
    const sub = bus.subscribe(
      "a",
      async (event) => {
        await tick();
        seen.push(event.payload);
        if (event.payload === 2) sub();
      },
      { replay: true },
    );
    const { delivered } = await bus.publish("a", 10);
    expect(seen).toEqual([0, 1, 2]);
    expect(delivered).toBe(0);
  });

  it("runs a long synchronous replay through, and is awaited by drain", async () => {
    const bus = createEventBus();
    for (let n = 0; n < 1000; n += 1) bus.publishSync("a", n);
    let calls = 0;
    bus.subscribe(
      "a",
      async () => {
        calls += 1;
      },
      { replay: true },
    );
    expect(bus.stats().pending).toBe(1);
    await bus.drain();
    expect(calls).toBe(1000);
    expect(bus.inspect().subscriptions[0]!.catchingUp).toBe(false);
  });
});
