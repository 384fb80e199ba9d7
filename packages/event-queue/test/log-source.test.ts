import { createLineage, type StartFrom } from "@ringrift/envelope";
import { describe, expect, test } from "vitest";
import {
  Bell,
  createEventStream,
  InstanceReader,
  type LogPage,
  type LogQuery,
  type LogSource,
} from "../src/backend.ts";
import type { StoredEvent } from "../src/index.ts";

/** A log that takes its time to answer, and fails when told to. */
class SlowLog implements LogSource {
  readonly bell = new Bell();
  readonly events: StoredEvent[] = [];
  readonly starts: StartFrom[] = [];
  /** Reads from here on fail, counting from 1. */
  failFrom = Number.POSITIVE_INFINITY;
  reads = 0;

  add(...types: string[]): void {
    for (const type of types) {
      const position = this.events.length + 1;
      const lineage = createLineage();
      this.events.push({
        ...lineage,
        position,
        type,
        payload: position,
        headers: {},
        storedAt: 0,
        attempt: 0,
        redelivered: false,
      });
    }
    this.bell.ring();
  }

  async resolve(from: StartFrom): Promise<number> {
    this.starts.push(from);
    return from === "now" ? this.events.length : 0;
  }

  async read({ eventTypes, after, limit }: LogQuery): Promise<LogPage> {
    this.reads += 1;
    const failing = this.reads >= this.failFrom;
    const events = this.events
      .filter((event) => event.position > after && (eventTypes?.includes(event.type) ?? true))
      .slice(0, limit);
    const scannedTo =
      events.length === limit ? (events.at(-1)?.position ?? after) : this.events.length;
    await new Promise((resolve) => setImmediate(resolve));
    if (failing) throw new Error("no answer");
    return { events, scannedTo };
  }
}

const everything = { eventTypes: undefined, limit: 100, waitMs: 0, from: "beginning" } as const;
const positions = (events: readonly StoredEvent[]): number[] =>
  events.map(({ position }) => position);

describe("the reader of an instance", () => {
  test("gives each event to one of the calls that overlap, in order", async () => {
    const log = new SlowLog();
    log.add(...Array.from({ length: 10 }, () => "A"));
    const reader = new InstanceReader(log);
    const parts = await Promise.all(
      [1, 2, 3].map(() => reader.receive({ ...everything, limit: 3 })),
    );
    expect(parts.map(positions)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
  });

  test("asks where to begin once for what it doesn't know", async () => {
    const log = new SlowLog();
    const reader = new InstanceReader(log);
    await reader.receive({ ...everything, eventTypes: ["A"] });
    await reader.receive({ ...everything, eventTypes: ["A"], from: "now" });
    await reader.receive({ ...everything, eventTypes: ["A", "B"], from: "now" });
    await reader.receive({ ...everything, from: "now" });
    await reader.receive({ ...everything, eventTypes: ["C"] });
    expect(log.starts).toEqual(["beginning", "now", "now"]);
  });

  test("gives what it has found when a later page fails", async () => {
    const log = new SlowLog();
    log.add("A", "B", "A", "B");
    const reader = new InstanceReader(log);
    await reader.receive({ ...everything, eventTypes: ["A"], limit: 2 });
    // The first page of two has one event that was given already, so that a second one is asked for.
    log.failFrom = log.reads + 2;
    expect(positions(await reader.receive({ ...everything, limit: 2 }))).toEqual([2]);
    await expect(reader.receive(everything)).rejects.toThrow("no answer");
    log.failFrom = Number.POSITIVE_INFINITY;
    expect(positions(await reader.receive(everything))).toEqual([4]);
  });

  test("doesn't read again what can't match", async () => {
    const log = new SlowLog();
    log.add("A", "A", "A");
    const reader = new InstanceReader(log);
    const asked: number[] = [];
    const read = log.read.bind(log);
    log.read = (query) => {
      asked.push(query.after);
      return read(query);
    };
    await reader.receive({ ...everything, eventTypes: ["B"] });
    await reader.receive({ ...everything, eventTypes: ["B"] });
    expect(asked).toEqual([0, 3]);
  });
});

describe("a stream", () => {
  test("answers calls at once one after another, however slow the log is", async () => {
    const log = new SlowLog();
    log.add("A", "A", "A");
    await using stream = createEventStream(log, { eventTypes: undefined, from: "beginning" });
    const results = await Promise.all([stream.next(), stream.next(), stream.next()]);
    expect(results.map(({ value }) => value.position)).toEqual([1, 2, 3]);
  });

  test("misses nothing that is added while it looks", async () => {
    const log = new SlowLog();
    await using stream = createEventStream(log, { eventTypes: undefined, from: "now" });
    const next = stream.next();
    await Promise.resolve();
    log.add("A");
    expect((await next).value.position).toBe(1);
  });

  test("rejects when a read fails, and has ended then", async () => {
    const log = new SlowLog();
    log.failFrom = 1;
    const stream = createEventStream(log, { eventTypes: undefined, from: "beginning" });
    await expect(stream.next()).rejects.toThrow("no answer");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });
});
