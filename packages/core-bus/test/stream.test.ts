import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { createEventBus, type Subscription } from "../src/index.ts";

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("stream", () => {
  it("has every event since it was called, in order, read whenever", async () => {
    const bus = createEventBus();
    bus.publishSync("a.b", "before");
    const stream = bus.stream("a.*");
    bus.publishSync("a.b", 1);
    bus.publishSync("other", 2);
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const event of stream) {
        seen.push(event.payload);
        if (event.payload === 4) break;
      }
    })();
    await tick();
    bus.publishSync("a.c", 3);
    await tick();
    bus.publishSync("a.b", 4);
    await reading;
    expect(seen).toEqual([1, 3, 4]);
  });

  it.each([
    [
      "break",
      async (stream: AsyncIterable<unknown>) => {
        for await (const _ of stream) break;
      },
    ],
    [
      "return",
      async (stream: AsyncIterator<unknown>) => {
        await stream.return?.();
      },
    ],
    [
      "throw",
      async (stream: AsyncIterator<unknown>) => {
        await stream.throw?.(new Error("mine")).catch(() => {});
      },
    ],
    [
      "disposal",
      async (stream: AsyncDisposable) => {
        await stream[Symbol.asyncDispose]();
      },
    ],
    [
      "an error in the loop",
      async (stream: AsyncIterable<unknown>) => {
        const loop = async (): Promise<void> => {
          for await (const _ of stream) throw new Error("mine");
        };
        await loop().catch(() => {});
      },
    ],
  ])("ends its subscription on %s, and is done", async (_, end) => {
    const bus = createEventBus();
    const stream = bus.stream("a");
    bus.publishSync("a", 1);
    bus.publishSync("a", 2);
    await end(stream);
    expect(bus.hasSubscribers("a")).toBe(false);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(stream.buffered).toBe(0);
  });

  it("throws what it is told to throw", async () => {
    const stream = createEventBus().stream("a");
    await expect(stream.throw!(new Error("mine"))).rejects.toThrow("mine");
  });

  it("hands events to reads that are already waiting, first come first served", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a");
    const reads = [stream.next(), stream.next()];
    bus.publishSync("a", 1);
    bus.publishSync("a", 2);
    expect((await Promise.all(reads)).map((read) => read.value?.payload)).toEqual([1, 2]);
  });

  it("settles reads in the order in which they were made, waiting or not", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a");
    const order: unknown[] = [];
    const read = (): Promise<unknown> =>
      stream.next().then(({ value }) => order.push(value?.payload));
    const first = read();
    await Promise.resolve();
    bus.publishSync("a", 1);
    bus.publishSync("a", 2);
    const second = read();
    await Promise.all([first, second]);
    expect(order).toEqual([1, 2]);
  });

  it("drops the oldest when its buffer is full, unless told otherwise, and counts them", async () => {
    const bus = createEventBus();
    const dropped: unknown[] = [];
    bus.signals.on("dropped", ({ reason, event }) => dropped.push([reason, event.payload]));
    const stream = bus.stream("a", { bufferSize: 3 });
    for (let n = 0; n < 5; n += 1) bus.publishSync("a", n);
    expect([stream.dropped, stream.buffered]).toEqual([2, 3]);
    const seen: number[] = [];
    for (let n = 0; n < 3; n += 1) seen.push((await stream.next()).value!.payload);
    expect(seen).toEqual([2, 3, 4]);
    expect(bus.stats().dropped["stream-overflow"]).toBe(2);
    expect(dropped).toEqual([
      ["stream-overflow", 0],
      ["stream-overflow", 1],
    ]);
  });

  it("drops the newest when asked", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a", { bufferSize: 2, overflow: "drop-newest" });
    for (let n = 0; n < 5; n += 1) bus.publishSync("a", n);
    const seen = [await stream.next(), await stream.next()];
    expect(seen.map((read) => read.value!.payload)).toEqual([0, 1]);
    expect(stream.dropped).toBe(3);
  });

  it("fails when asked: what is buffered can be read, then a coded error, then it is done", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a", { bufferSize: 2, overflow: "error" });
    for (let n = 0; n < 5; n += 1) bus.publishSync("a", n);
    expect(bus.hasSubscribers("a")).toBe(false);
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const event of stream) seen.push(event.payload);
    };
    await expect(loop()).rejects.toMatchObject({ code: "STREAM_OVERFLOW" });
    expect(seen).toEqual([0, 1]);
    expect(stream.dropped).toBe(1);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("that nobody reads holds what fits its buffer, and counts the rest, whatever its policy", () => {
    const bus = createEventBus({ history: false });
    const oldest = bus.stream("a", { bufferSize: 100 });
    const newest = bus.stream("*", { bufferSize: 100, overflow: "drop-newest" });
    const error = bus.stream("a", { bufferSize: 100, overflow: "error" });
    for (let n = 0; n < 200_000; n += 1) bus.publishSync("a", n);
    expect([oldest.buffered, oldest.dropped]).toEqual([100, 199_900]);
    expect([newest.buffered, newest.dropped]).toEqual([100, 199_900]);
    expect([error.buffered, error.dropped]).toEqual([100, 1]);
    expect(bus.stats().dropped["stream-overflow"]).toBe(199_900 * 2 + 1);
  });

  it("drops nothing while its reader keeps up, with a buffer of one", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a", { bufferSize: 1, overflow: "error" });
    const seen: number[] = [];
    for (let n = 0; n < 20; n += 1) {
      const reading = n % 2 ? stream.next() : undefined;
      bus.publishSync("a", n);
      seen.push((await (reading ?? stream.next())).value!.payload);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(stream.dropped).toBe(0);
  });

  it("loses nothing that comes before its first read, a handler's own events included", async () => {
    const bus = createEventBus();
    bus.subscribe("start", () => bus.publish("result", "of the handler"));
    const stream = bus.stream("result");
    await bus.publish("start");
    bus.publishSync("result", "later");
    const seen = [await stream.next(), await stream.next()];
    expect(seen.map((read) => read.value!.payload)).toEqual(["of the handler", "later"]);
  });

  it("rejects nothing but the read that meets an overflow: reads that wait end", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a", { bufferSize: 1, overflow: "error" });
    const waiting = stream.next();
    for (let n = 0; n < 3; n += 1) bus.publishSync("a", n);
    const reads = await Promise.allSettled([waiting, stream.next(), stream.next(), stream.next()]);
    expect(reads).toMatchObject([
      { value: { value: { payload: 0 } } },
      { value: { value: { payload: 1 } } },
      { status: "rejected", reason: { code: "STREAM_OVERFLOW" } },
      { value: { done: true } },
    ]);
  });

  it("buffers 256 by default", () => {
    const bus = createEventBus();
    const stream = bus.stream("a");
    for (let n = 0; n < 300; n += 1) bus.publishSync("a", n);
    expect([stream.buffered, stream.dropped]).toEqual([256, 44]);
  });

  it("begins with the past when asked, without its buffer, gap or duplicate", async () => {
    const bus = createEventBus();
    for (let n = 0; n < 500; n += 1) bus.publishSync("a", n);
    const stream = bus.stream("a", {
      bufferSize: 10,
      replay: true,
      where: (event) => event.payload % 2 === 0,
    });
    for (let n = 500; n < 510; n += 1) bus.publishSync("a", n);
    const seen: number[] = [];
    for await (const event of stream) {
      seen.push(event.payload);
      if (event.payload === 508) break;
    }
    expect(seen).toEqual(Array.from({ length: 255 }, (_, n) => n * 2));
    expect(stream.dropped).toBe(0);
  });

  it("replays from a moment or the newest so many", async () => {
    const bus = createEventBus();
    for (let n = 0; n < 5; n += 1) bus.publishSync("a", n);
    const stream = bus.stream("*", { replay: { limit: 1 } });
    expect((await stream.next()).value!.payload).toBe(4);
    expect(bus.stream("*", { replay: { since: Date.now() + 60_000 } }).buffered).toBe(0);
  });

  it("ends when its signal aborts, without throwing, and leaves no listener on it", async () => {
    const bus = createEventBus();
    const controller = new AbortController();
    const { signal } = controller;
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const event of bus.stream("a", { signal })) seen.push(event.payload);
    })();
    bus.publishSync("a", 1);
    await tick();
    controller.abort();
    await reading;
    expect(seen).toEqual([1]);
    expect(bus.hasSubscribers("a")).toBe(false);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(await bus.stream("a", { signal }).next()).toEqual({ done: true, value: undefined });
    expect(bus.hasSubscribers("a")).toBe(false);
  });

  it("keeps no listener on its signal after a break", async () => {
    const bus = createEventBus();
    const { signal } = new AbortController();
    const stream = bus.stream("a", { signal });
    bus.publishSync("a");
    for await (const _ of stream) break;
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it.each(["at once", "later"])(
    "ends with its subscription, where somebody ended that %s, and leaves no listener behind",
    async (when) => {
      const bus = createEventBus();
      const subscriptions: Subscription[] = [];
      bus.signals.on("subscribed", (subscription) => {
        if (when === "at once") subscription();
        subscriptions.push(subscription);
      });
      const { signal } = new AbortController();
      const stream = bus.stream("a", { signal });
      const read = stream.next();
      subscriptions[0]!();
      expect(await read).toEqual({ done: true, value: undefined });
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    },
  );

  it("ends with the bus, after what is buffered", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a");
    const idle = bus.stream("a");
    const waiting = idle.next().then(() => idle.next());
    bus.publishSync("a", 1);
    await bus.close();
    expect((await stream.next()).value?.payload).toBe(1);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  it("with overflow wait lets an awaited publish wait for a place, and drops nothing", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a", { bufferSize: 2, overflow: "wait" });
    const settled: number[] = [];
    const publishes = [0, 1, 2, 3].map((n) => bus.publish("a", n).then(() => settled.push(n)));
    await Promise.resolve();
    expect(stream.buffered).toBe(4);
    await expect.poll(() => settled).toEqual([0, 1]);
    const seen: unknown[] = [];
    for await (const { payload } of stream) {
      seen.push(payload);
      if (seen.length === 4) break;
    }
    await Promise.all(publishes);
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(stream.dropped).toBe(0);
    expect(bus.stats()).toMatchObject({ delivered: 4, failed: 0, pending: 0 });
  });

  it("with overflow wait keeps what publishSync cannot wait with, in order", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a", { bufferSize: 1, overflow: "wait" });
    for (let n = 0; n < 50; n += 1) bus.publishSync("a", n);
    expect([stream.buffered, stream.dropped]).toEqual([50, 0]);
    const seen: unknown[] = [];
    for await (const { payload } of stream) {
      seen.push(payload);
      if (seen.length === 50) break;
    }
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it.each([
    ["its reader stops", async (stream: { return(): Promise<unknown> }) => stream.return()],
    [
      "the bus is closed",
      async (_stream: unknown, bus: { close(): Promise<unknown> }) => bus.close(),
    ],
  ])("with overflow wait lets its publishers go when %s", async (_when, end) => {
    const bus = createEventBus();
    const stream = bus.stream("a", { bufferSize: 1, overflow: "wait" });
    const publishes = [1, 2, 3].map((n) => bus.publish("a", n));
    await end(stream, bus);
    expect(await Promise.all(publishes)).toHaveLength(3);
    expect(bus.hasSubscribers("a")).toBe(false);
  });

  it("with overflow wait gives what waited when the bus is closed", async () => {
    const bus = createEventBus();
    const stream = bus.stream("a", { bufferSize: 1, overflow: "wait" });
    for (const n of [1, 2, 3]) void bus.publish("a", n);
    await bus.close();
    const seen: unknown[] = [];
    for await (const { payload } of stream) seen.push(payload);
    expect(seen).toEqual([1, 2, 3]);
  });

  it("refuses a buffer size and an overflow that it doesn't know, and is not subscribed then", () => {
    const bus = createEventBus();
    for (const options of [
      { bufferSize: 0 },
      { bufferSize: 1.5 },
      { overflow: "block" as never },
      { replay: { limit: -1 } },
    ]) {
      expect(() => bus.stream("a", options)).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
    expect(bus.hasSubscribers("a")).toBe(false);
  });
});
