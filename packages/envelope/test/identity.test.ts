import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  derivedEventId,
  eventClock,
  eventIdOf,
  isDerivedId,
  isEventId,
  newEventId,
  newInstanceId,
  nodeId,
} from "../src/index.ts";

describe("event ids", () => {
  it("are UUIDs of version 7 that carry their time", () => {
    const before = Date.now();
    const id = newEventId();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const time = Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
    expect(Math.abs(time - before)).toBeLessThan(60_000);
  });

  it("are unique and sort by creation, however many fall in one millisecond", () => {
    const ids = Array.from({ length: 50_000 }, newEventId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(ids);
  });

  it("are written late from a stamp, always the same", () => {
    eventClock.tick();
    const { time, counter } = eventClock;
    const later = newEventId();
    expect(eventIdOf(time, counter)).toBe(eventIdOf(time, counter));
    expect(eventIdOf(time, counter) < later).toBe(true);
  });

  it("keep the order of stamps for every time and counter", () => {
    const stamps = fc.record({
      time: fc.integer({ min: 1e12, max: 2e12 }),
      counter: fc.integer({ min: 0, max: 0xf_ffff }),
    });
    fc.assert(
      fc.property(stamps, stamps, (a, b) => {
        const [first, second] = [eventIdOf(a.time, a.counter), eventIdOf(b.time, b.counter)];
        expect(isEventId(first)).toBe(true);
        const byStamp = Math.sign(a.time - b.time || a.counter - b.counter);
        expect(first < second ? -1 : Number(first > second)).toBe(byStamp);
      }),
    );
  });

  it("have bits that the ids before don't tell: no two share their last 54, nor most of them", () => {
    const tails = Array.from({ length: 2_000 }, (_, counter) =>
      BigInt(`0x${eventIdOf(1_800_000_000_000, counter).replaceAll("-", "").slice(-14)}`),
    ).map((bits) => bits & ((1n << 54n) - 1n));
    expect(new Set(tails).size).toBe(tails.length);
    // Each bit is set in about half of them: 5 standard deviations are 112 of 2,000.
    for (let bit = 0n; bit < 54n; bit += 1n) {
      const set = tails.filter((tail) => (tail >> bit) & 1n).length;
      expect(Math.abs(set - 1_000), `bit ${bit}`).toBeLessThan(140);
    }
  });

  it("that are derived carry the time given and the digest, and are told from new ones", () => {
    const digest = Uint8Array.from({ length: 16 }, (_, index) => 0xf0 + index);
    const id = derivedEventId({ id: newEventId(), time: 0x0198_f1c2_7a3b }, digest);
    expect(id).toBe("0198f1c2-7a3b-80f1-b2f3-f4f5f6f7f8f9");
    expect(isEventId(id)).toBe(true);
    expect([isDerivedId(id), isDerivedId(newEventId())]).toEqual([true, false]);
  });

  it("that are derived from a derived event carry the time in its id, whenever it was published", () => {
    const digest = new Uint8Array(16);
    const id = derivedEventId({ id: newEventId(), time: 7 }, digest);
    const [early, late] = [8, 9].map((time) => derivedEventId({ id, time }, digest));
    expect(early).toBe(late);
    expect(early?.slice(0, 13)).toBe(id.slice(0, 13));
  });

  it("are told from other text", () => {
    expect(isEventId(newEventId())).toBe(true);
    for (const other of ["", "x", newEventId().toUpperCase(), 7, null, undefined]) {
      expect(isEventId(other)).toBe(false);
    }
  });
});

describe("node ids", () => {
  it("stay the same within a thread and differ between worker threads", async () => {
    expect(nodeId()).toBe(nodeId());
    const source = new URL("../src/index.ts", import.meta.url).href;
    const worker = new Worker(
      `import(${JSON.stringify(source)}).then((m) => require("node:worker_threads").parentPort.postMessage([m.nodeId(), m.newEventId()]))`,
      { eval: true },
    );
    const [otherNode, otherEvent] = await new Promise<[string, string]>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
    });
    await worker.terminate();
    expect(otherNode).not.toBe(nodeId());
    expect(otherEvent.slice(-12)).not.toBe(newEventId().slice(-12));
  });

  it("name instances, new at each call", () => {
    const first = newInstanceId("bus");
    expect(first).not.toBe(newInstanceId("bus"));
    expect(first.startsWith(`${nodeId()}/bus-`)).toBe(true);
  });
});
