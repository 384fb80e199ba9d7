import { createLineage } from "@ringrift/envelope";
import { describe, expect, it } from "vitest";
import { type BusEvent, createEventBus } from "../src/index.ts";

const payloads = (events: readonly BusEvent[]): unknown[] => events.map((event) => event.payload);

/** An event of the past for `remember`. */
const past = (topic: string, payload: unknown, time: number) => ({
  topic,
  payload,
  lineage: { ...createLineage(), time },
});

describe("getHistory", () => {
  it("gives the newest first, of a topic or a pattern, 100 unless told otherwise", () => {
    const bus = createEventBus();
    for (let n = 0; n < 150; n += 1) bus.publishSync(n % 2 ? "a.odd" : "a.even", n);
    expect(bus.getHistory()).toHaveLength(100);
    expect(payloads(bus.getHistory({ limit: 3 }))).toEqual([149, 148, 147]);
    expect(payloads(bus.getHistory({ topic: "a.odd", limit: 2 }))).toEqual([149, 147]);
    expect(bus.getHistory({ topic: "a.*", limit: Number.POSITIVE_INFINITY })).toHaveLength(150);
    expect(bus.getHistory({ topic: "b.*" })).toEqual([]);
    expect(bus.getHistory({ limit: 0 })).toEqual([]);
  });

  it("gives what happened between two moments, both included", () => {
    const bus = createEventBus();
    const start = Date.UTC(2026, 0, 1);
    for (let n = 0; n < 5; n += 1) bus.remember(past("a", n, start + n * 1000));
    expect(payloads(bus.getHistory({ since: start + 1000, until: start + 3000 }))).toEqual([
      3, 2, 1,
    ]);
    expect(payloads(bus.getHistory({ since: new Date(start + 4000) }))).toEqual([4]);
  });

  it("refuses a time that looks like seconds", async () => {
    const bus = createEventBus();
    const seconds = Math.floor(Date.now() / 1000) - 3600;
    const refused = expect.objectContaining({
      code: "INVALID_TIME",
      message: expect.stringContaining("milliseconds"),
    });
    expect(() => bus.getHistory({ since: seconds })).toThrow(refused);
    expect(() => bus.getHistory({ until: seconds })).toThrow(refused);
    expect(() => bus.subscribe("a", () => {}, { replay: { since: seconds } })).toThrow(refused);
    await expect(bus.replay(() => {}, { since: seconds })).rejects.toEqual(refused);
    expect(bus.hasSubscribers("a")).toBe(false);
  });

  it("refuses a limit that isn't a number of events", () => {
    const bus = createEventBus();
    for (const limit of [-1, 1.5, Number.NaN]) {
      expect(() => bus.getHistory({ limit })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
  });

  it("gives a copy", () => {
    const bus = createEventBus();
    bus.publishSync("a", 1);
    bus.getHistory().pop();
    expect(bus.getHistory()).toHaveLength(1);
  });
});

describe("the history", () => {
  it.each([
    [5, 5],
    [{ size: 5 }, 5],
    [1, 1],
    [0, 0],
    [false as const, 0],
    [undefined, 12],
  ])("with %j keeps the newest %i of 12 events", (history, kept) => {
    const bus = createEventBus({ history });
    for (let n = 0; n < 12; n += 1) bus.publishSync("a", n);
    const expected = Array.from({ length: kept }, (_, n) => 11 - n);
    expect(payloads(bus.getHistory())).toEqual(expected);
    expect(bus.stats().history.size).toBe(kept);
  });

  it("keeps 1000 by default", () => {
    const bus = createEventBus();
    for (let n = 0; n < 1001; n += 1) bus.publishSync("a", n);
    expect(bus.stats().history).toEqual({ size: 1000, capacity: 1000 });
    expect(bus.getHistory({ limit: Number.POSITIVE_INFINITY }).at(-1)!.payload).toBe(1);
  });

  it("refuses a size that isn't a whole number", () => {
    for (const history of [-1, 1.5, { size: Number.NaN }]) {
      expect(() => createEventBus({ history })).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION" }),
      );
    }
  });

  it("lets go of events that it no longer keeps", async () => {
    const bus = createEventBus({ history: 2 });
    const gone = new WeakRef((await bus.publish("a", {})).event.payload);
    await bus.publish("a", {});
    await bus.publish("a", {});
    for (let round = 0; round < 20 && gone.deref(); round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      globalThis.gc!();
    }
    expect(gone.deref()).toBeUndefined();
  });
});

describe("remember", () => {
  const start = Date.UTC(2026, 0, 1);

  it("puts an event of the past in its place by time, and calls nobody", async () => {
    const bus = createEventBus();
    let calls = 0;
    bus.subscribe("a", () => {
      calls += 1;
    });
    bus.publishSync("a", "live");
    expect(bus.remember(past("a", 2, start + 2))).toBe(true);
    expect(bus.remember(past("a", 1, start + 1))).toBe(true);
    expect(bus.remember({ ...past("a", 3, start + 3), redelivered: true })).toBe(true);
    expect(payloads(bus.getHistory())).toEqual(["live", 3, 2, 1]);
    expect(bus.getHistory()[1]!.redelivered).toBe(true);
    expect(calls).toBe(1);
  });

  it("keeps the lineage of the event, and passes it through this bus", () => {
    const bus = createEventBus();
    const event = past("a", 1, start);
    bus.remember(event);
    expect(bus.getHistory()[0]).toMatchObject({ ...event.lineage, via: [bus.id] });
  });

  it("knows an event that is there, and one that is too old for a full history", () => {
    const bus = createEventBus({ history: 2 });
    const event = past("a", 2, start + 2);
    expect(bus.remember(event)).toBe(true);
    expect(bus.remember(event)).toBe(false);
    bus.publishSync("a", "live");
    expect(bus.remember(past("a", 1, start + 1))).toBe(false);
    expect(bus.remember(past("a", 3, start + 3))).toBe(true);
    expect(payloads(bus.getHistory())).toEqual(["live", 3]);
  });

  it("signals each event that it has put into the history, and no other", () => {
    const bus = createEventBus({ history: 2 });
    const told: string[] = [];
    bus.signals.on("remembered", ({ id }) => told.push(id));
    const first = past("a", 1, start + 1);
    const second = past("a", 2, start + 2);
    bus.remember(first);
    bus.remember(second);
    bus.remember(second);
    bus.remember(past("a", 0, start));
    bus.publishSync("a", "live");
    expect(told).toEqual([first.lineage.id, second.lineage.id]);
  });

  it("refuses what publish refuses", () => {
    const bus = createEventBus();
    expect(() => bus.remember(past("a.*", 1, start))).toThrow(
      expect.objectContaining({ code: "INVALID_TOPIC" }),
    );
    expect(() => bus.remember({ topic: "a", payload: 1, lineage: {} as never })).toThrow(
      expect.objectContaining({ code: "INVALID_LINEAGE" }),
    );
  });
});
