import { createLineage, type EventView } from "@ringrift/envelope";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type BusEvent,
  createEventBus,
  EventBusError,
  PayloadError,
  fromEventEmitter,
  toEventEmitter,
} from "../src/index.ts";

const known = async (id: string): Promise<boolean> => {
  await Promise.resolve();
  return id.startsWith("A-");
};

const libraries = {
  zod: {
    "order.placed": z.object({ id: z.string(), cents: z.int(), note: z.string().default("") }),
    "order.checked": z.object({ id: z.string().refine(known, "unknown order") }),
    "order.many": z.object({ items: z.array(z.object({ sku: z.string() })) }),
    tick: z.undefined(),
  },
  valibot: {
    "order.placed": v.object({
      id: v.string(),
      cents: v.pipe(v.number(), v.integer()),
      note: v.optional(v.string(), ""),
    }),
    "order.checked": v.objectAsync({
      id: v.pipeAsync(v.string(), v.checkAsync(known, "unknown order")),
    }),
    "order.many": v.object({ items: v.array(v.object({ sku: v.string() })) }),
    tick: v.undefined(),
  },
};

const GOOD = { id: "A-1", cents: 1999, note: "" };
const BAD = { id: "A-1", cents: "1999", note: "" } as never;

describe.each(["zod", "valibot"] as const)("a bus with schemas of %s", (library) => {
  const make = () => createEventBus({ schemas: libraries[library] });

  it("delivers and keeps what its schema accepts", async () => {
    const bus = make();
    const seen: unknown[] = [];
    bus.subscribe("order.placed", (event) => seen.push(event.payload));
    expect((await bus.publish("order.placed", GOOD)).delivered).toBe(1);
    expect(bus.publishSync("order.placed", GOOD)).toBe(1);
    expect(bus.publishSync("tick")).toBe(0);
    expect(seen).toEqual([GOOD, GOOD]);
    expect(bus.stats().invalid).toBe(0);
  });

  it("delivers what the schema gives out: defaults filled in, unknown fields dropped", async () => {
    const bus = make();
    const given = { id: "A-1", cents: 1, secret: "x" } as never;
    const { event } = await bus.publish("order.placed", given);
    expect(event.payload).toEqual({ id: "A-1", cents: 1, note: "" });
    expect(bus.getHistory()[0]?.payload).toBe(event.payload);
  });

  it("checks the payload that stands as metadata, too", async () => {
    const bus = make();
    const { event } = await bus.publish({ topic: "order.placed", metadata: GOOD });
    expect(event.payload).toEqual(GOOD);
    await expect(bus.publish({ topic: "order.placed", metadata: BAD })).rejects.toMatchObject({
      code: "INVALID_PAYLOAD",
    });
  });

  it("refuses an invalid payload: nobody is called, nothing is kept, and it is counted", async () => {
    const bus = make();
    let calls = 0;
    bus.subscribe("**", () => void (calls += 1));
    await expect(bus.publish("order.placed", BAD)).rejects.toMatchObject({
      code: "INVALID_PAYLOAD",
    });
    expect(() => bus.publishSync("order.placed", BAD)).toThrow(PayloadError);
    expect(calls).toBe(0);
    expect(bus.getHistory()).toEqual([]);
    expect(bus.stats()).toMatchObject({ published: 0, invalid: 2, pending: 0 });
  });

  it("says which topic, where in the payload and what the matter is", async () => {
    const bus = make();
    const error: unknown = await bus.publish("order.placed", BAD).catch((cause: unknown) => cause);
    if (!(error instanceof PayloadError)) throw new Error("It is no PayloadError.");
    expect(error).toBeInstanceOf(EventBusError);
    expect(error.name).toBe("PayloadError");
    expect(error.topic).toBe("order.placed");
    expect(error.issues).toHaveLength(1);
    expect(error.message).toMatch(
      /^Payload of "order\.placed" is invalid: "cents": Invalid .+\. Publish what the topic's schema accepts\.$/,
    );
  });

  it("shows five of many issues in the message, and has all of them", () => {
    const bus = make();
    const items = Array.from({ length: 2000 }, () => ({ sku: 1 as never }));
    const error = failureOf(() => bus.publishSync("order.many", { items }));
    expect(error.issues).toHaveLength(2000);
    expect(error.message).toContain('"items.4.sku"');
    expect(error.message).not.toContain('"items.5.sku"');
    expect(error.message).toContain("and 1995 more");
  });

  it("awaits an asynchronous schema in publish", async () => {
    const bus = make();
    const seen: string[] = [];
    bus.subscribe("order.checked", (event) => seen.push(event.payload.id));
    const { delivered } = await bus.publish("order.checked", { id: "A-1" });
    await expect(bus.publish("order.checked", { id: "B-1" })).rejects.toMatchObject({
      code: "INVALID_PAYLOAD",
      issues: [{ message: "unknown order" }],
    });
    expect(delivered).toBe(1);
    expect(seen).toEqual(["A-1"]);
    expect(bus.stats()).toMatchObject({ published: 1, invalid: 1, pending: 0 });
  });

  it("refuses an asynchronous schema in publishSync, whatever the payload", async () => {
    const bus = make();
    for (const id of ["A-1", "B-1"]) {
      expect(codeOf(() => bus.publishSync("order.checked", { id }))).toBe("ASYNC_SCHEMA");
    }
    // By then the schemas have answered: what nobody wanted to know isn't counted.
    await new Promise((resolve) => setImmediate(resolve));
    expect(bus.stats()).toMatchObject({ published: 0, invalid: 0 });
  });

  it("refuses topics that have no schema, wherever they are written", async () => {
    const bus = make();
    const typo = "order.plcaed" as "order.placed";
    const refused = expect.objectContaining({
      code: "UNKNOWN_TOPIC",
      message: expect.stringContaining("order.placed, order.checked, order.many, tick"),
    });
    await expect(bus.publish(typo, GOOD)).rejects.toEqual(refused);
    expect(() => bus.publishSync(typo, GOOD)).toThrow(refused);
    expect(() => bus.subscribe(typo, () => {})).toThrow(refused);
    expect(() => bus.subscribe({ topic: typo }, () => {})).toThrow(refused);
    expect(() => bus.getHistory({ topic: typo })).toThrow(refused);
    await expect(bus.waitFor(typo)).rejects.toEqual(refused);
    expect(bus.stats().invalid).toBe(0);
  });

  it("checks what a bridge brings, and keeps its lineage", async () => {
    const bus = make();
    const lineage = createLineage({ source: "elsewhere" });
    const { event } = await bus.publish("order.placed", GOOD, { lineage });
    expect(event.id).toBe(lineage.id);
    await expect(
      bus.publish("order.placed", BAD, { lineage: createLineage({ source: "elsewhere" }) }),
    ).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  });

  it("doesn't remember an invalid event of the past, and counts it", () => {
    const bus = make();
    const past = (payload: typeof GOOD): boolean =>
      bus.remember({
        topic: "order.placed",
        payload,
        lineage: createLineage({ source: "elsewhere" }),
      });
    expect(past(BAD)).toBe(false);
    expect(past({ id: "A-1", cents: 1 } as never)).toBe(true);
    expect(bus.getHistory().map((event) => event.payload)).toEqual([
      { id: "A-1", cents: 1, note: "" },
    ]);
    expect(bus.stats().invalid).toBe(1);
    const lineage = createLineage({ source: "elsewhere" });
    expect(
      codeOf(() => bus.remember({ topic: "order.checked", payload: { id: "A-1" }, lineage })),
    ).toBe("ASYNC_SCHEMA");
  });
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

function failureOf(act: () => unknown): PayloadError {
  try {
    act();
  } catch (error) {
    if (error instanceof PayloadError) return error;
    throw error;
  }
  throw new Error("It didn't throw.");
}

/** A schema of no library, as anybody may write one. */
function schemaOf(validate: (value: unknown) => unknown): StandardSchemaV1<unknown, unknown> {
  return { "~standard": { version: 1, vendor: "test", validate: validate as never } };
}

describe("an asynchronous schema", () => {
  const slow = schemaOf(async (value) => {
    await Promise.resolve();
    return { value };
  });

  it("leaves the event in the trail of the handler that published it, with publishSync, too", async () => {
    const bus = createEventBus({ schemas: { outer: z.undefined(), inner: slow } });
    const events: BusEvent[] = [];
    bus.subscribe("outer", () => bus.publish("inner", 1));
    bus.subscribe("**", (event) => events.push(event));
    bus.publishSync("outer");
    await bus.drain();
    await bus.publish("outer");
    expect(events.map((event) => event.topic)).toEqual(["outer", "inner", "inner", "outer"]);
    const [first, firstInner, secondInner, second] = events;
    expect(firstInner?.causationId).toBe(first?.id);
    expect(secondInner?.causationId).toBe(second?.id);
  });

  it("is waited for by drain and close; an event that comes out too late is refused", async () => {
    const bus = createEventBus({ schemas: { a: slow } });
    const heard: unknown[] = [];
    bus.subscribe("a", (event) => heard.push(event.payload));
    const published = bus.publish("a", 1);
    expect(bus.stats().pending).toBe(1);
    expect(await bus.drain()).toEqual({ drained: true, left: 0 });
    expect(heard).toEqual([1]);
    await published;
    const late = bus.publish("a", 2).catch((cause: unknown) => cause);
    await bus.close();
    expect(await late).toMatchObject({ code: "BUS_CLOSED" });
    expect(heard).toEqual([1]);
  });

  it("that never ends is cut short by a close with its limit", async () => {
    const bus = createEventBus({ schemas: { a: schemaOf(() => new Promise(() => {})) } });
    void bus.publish("a", 1);
    expect(await bus.close({ timeoutMs: 1 })).toEqual({ drained: false, left: 1 });
  });
});

describe("a schema", () => {
  it("that throws or rejects refuses the payload, with the cause kept", async () => {
    const cause = new Error("the database is away");
    const bus = createEventBus({
      schemas: {
        thrown: schemaOf(() => {
          throw cause;
        }),
        rejected: schemaOf(() => Promise.reject(cause)),
      },
    });
    for (const topic of ["thrown", "rejected"] as const) {
      await expect(bus.publish(topic, 1)).rejects.toMatchObject({
        code: "INVALID_PAYLOAD",
        cause,
        issues: [],
        message: expect.stringContaining("the database is away"),
      });
    }
    expect(bus.stats().invalid).toBe(2);
    // The rejection that nobody waits for here must not become an unhandled one, which fails the run.
    expect(codeOf(() => bus.publishSync("rejected", 1))).toBe("ASYNC_SCHEMA");
    await new Promise((resolve) => setImmediate(resolve));
  });

  it("may be a function, and its issues may have paths of objects and symbols, or none", () => {
    const issues = [
      { message: "no good", path: [{ key: "a" }, Symbol("b"), 3] },
      { message: "x".repeat(10_000) },
    ];
    const callable = Object.assign(
      () => {},
      schemaOf(() => ({ issues })),
    );
    const bus = createEventBus({ schemas: { a: callable } });
    const { message } = failureOf(() => bus.publishSync("a", 1));
    expect(message).toContain('"a.Symbol(b).3": no good; xxx');
    expect(message.length).toBeLessThan(400);
  });

  it("may give out a thenable as a payload, which is not awaited", () => {
    const thenable = { then: () => {} };
    const bus = createEventBus({ schemas: { a: schemaOf((value) => ({ value })) } });
    bus.publishSync("a", thenable);
    expect(bus.getHistory()[0]?.payload).toBe(thenable);
  });

  it("has to be one, for a topic", () => {
    const make = (schemas: unknown): unknown => createEventBus({ schemas: schemas as never });
    expect(codeOf(() => make({ a: { parse: () => {} } }))).toBe("INVALID_OPTION");
    expect(codeOf(() => make({ a: undefined }))).toBe("INVALID_OPTION");
    expect(codeOf(() => make("schemas"))).toBe("INVALID_OPTION");
    expect(codeOf(() => make({ "a:b": z.string() }))).toBe("INVALID_TOPIC");
    expect(codeOf(() => make({ "a.*": z.string() }))).toBe("INVALID_TOPIC");
  });

  it("may be that of a topic called constructor, and no other has it by accident", () => {
    const bus = createEventBus({ schemas: { constructor: z.number() } });
    expect(codeOf(() => bus.publishSync("constructor", "1" as never))).toBe("INVALID_PAYLOAD");
    expect(codeOf(() => bus.publishSync("toString" as "constructor", 1))).toBe("UNKNOWN_TOPIC");
  });
});

describe("mistakes in the call", () => {
  it("come before those in the payload", async () => {
    const bus = createEventBus({ schemas: libraries.zod });
    await expect(bus.publish("a:b" as never, BAD)).rejects.toMatchObject({ code: "INVALID_TOPIC" });
    expect(codeOf(() => bus.publishSync("order.placed", BAD, { source: 1 as never }))).toBe(
      "INVALID_OPTION",
    );
    await bus.close();
    expect(codeOf(() => bus.publishSync("order.placed", BAD))).toBe("BUS_CLOSED");
    await expect(bus.publish("order.placed", BAD)).rejects.toMatchObject({ code: "BUS_CLOSED" });
    expect(bus.stats().invalid).toBe(0);
  });
});

describe("schemas along with a catalogue", () => {
  interface Topics {
    "order.placed": { id: string };
    "order.paid": { cents: number };
  }
  const events: EventView<Topics> = {
    kind: "topics",
    names: new Set(["order.placed", "order.paid"]),
    canonical: (name) => (name === "ORDER_PAID" ? "order.paid" : undefined),
  };

  it("check their topics and leave the others to the catalogue", () => {
    const bus = createEventBus({
      events,
      schemas: { "order.placed": z.object({ id: z.string() }) },
    });
    expect(codeOf(() => bus.publishSync("order.placed", { id: 1 as never }))).toBe(
      "INVALID_PAYLOAD",
    );
    bus.publishSync("order.paid", { cents: "unchecked" as never });
    expect(bus.stats()).toMatchObject({ published: 1, invalid: 1 });
    const wrong = { ORDER_PAID: z.string() } as never;
    expect(codeOf(() => createEventBus({ events, schemas: wrong }))).toBe("WRONG_NAME");
  });
});

describe("emitters on a bus with schemas", () => {
  it("emit what is valid, throw what isn't, and keep further arguments", () => {
    const bus = createEventBus({ schemas: libraries.zod });
    const emitter = toEventEmitter(bus);
    const heard: unknown[][] = [];
    emitter.on("order.placed", (...args) => heard.push(args));
    (emitter as { emit(name: string, ...args: unknown[]): boolean }).emit("order.placed", GOOD, 2);
    expect(heard).toEqual([[GOOD, 2]]);
    expect(codeOf(() => emitter.emit("order.placed", BAD))).toBe("INVALID_PAYLOAD");
    expect(codeOf(() => emitter.emit("order.plcaed" as "order.placed", GOOD))).toBe(
      "UNKNOWN_TOPIC",
    );
  });

  it("are not forwarded to a topic without a schema", () => {
    const bus = createEventBus({ schemas: libraries.zod });
    const other = toEventEmitter(createEventBus());
    expect(codeOf(() => fromEventEmitter(other, bus, { a: "order.plcaed" as "tick" }))).toBe(
      "UNKNOWN_TOPIC",
    );
    expect(other.eventNames()).toEqual([]);
  });
});
