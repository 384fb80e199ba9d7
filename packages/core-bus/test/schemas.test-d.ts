import type { EventView } from "@ringrift/envelope";
import * as v from "valibot";
import { describe, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createEventBus, type EventBus, type PayloadError, toEventEmitter } from "../src/index.ts";

interface Placed {
  id: string;
  cents: number;
  note: string;
}

const withZod = createEventBus({
  schemas: {
    "order.placed": z.object({ id: z.string(), cents: z.int(), note: z.string().default("") }),
    "order.paid": z.object({ id: z.string() }),
    tick: z.undefined(),
  },
  history: 10,
});

const withValibot = createEventBus({
  schemas: {
    "order.placed": v.object({
      id: v.string(),
      cents: v.number(),
      note: v.optional(v.string(), ""),
    }),
    "order.paid": v.object({ id: v.string() }),
    tick: v.undefined(),
  },
});

describe("schemas", () => {
  test("give the topics and what handlers get: the schemas' output", () => {
    withZod.subscribe("order.placed", (event) => {
      expectTypeOf(event.payload).toEqualTypeOf<Placed>();
    });
    withValibot.subscribe("order.placed", (event) => {
      expectTypeOf(event.payload).toEqualTypeOf<Placed>();
    });
    withZod.subscribe("order.*", (event) => {
      expectTypeOf(event.topic).toEqualTypeOf<"order.placed" | "order.paid">();
    });
    withZod.publishSync("tick");
    toEventEmitter(withZod).on("order.paid", (payload) => {
      expectTypeOf(payload).toEqualTypeOf<{ id: string }>();
    });
  });

  test("refuse a wrong topic and a wrong payload", () => {
    // @ts-expect-error: misspelt
    withZod.subscribe("order.plcaed", () => {});
    // @ts-expect-error: misspelt
    void withValibot.publish("order.plcaed", { id: "A-1" });
    // @ts-expect-error: an id is text
    void withZod.publish("order.paid", { id: 1 });
    // @ts-expect-error: an id is text
    withValibot.publishSync("order.paid", { id: 1 });
    // @ts-expect-error: the payload is missing
    withValibot.publishSync("order.paid");
  });

  test("have to accept what they give out", () => {
    // @ts-expect-error: text to number: on the next bus the number would be refused
    createEventBus({ schemas: { a: z.string().transform(Number) } });
    // @ts-expect-error: text to number
    createEventBus({ schemas: { a: v.pipe(v.string(), v.transform(Number)) } });
    createEventBus({ schemas: { a: z.string().trim(), b: z.coerce.number(), c: z.any() } });
    createEventBus({ schemas: { a: v.pipe(v.string(), v.trim(), v.brand("Name")) } });
  });

  test("have to be schemas", () => {
    // @ts-expect-error: no schema
    createEventBus({ schemas: { a: (value: unknown) => value } });
    // @ts-expect-error: no schema
    createEventBus({ schemas: { a: "string" } });
  });

  test("may be given along with types, and have to agree with them", () => {
    interface Topics {
      "order.placed": { id: string };
      "order.paid": { cents: number };
    }
    const bus = createEventBus<Topics>({
      schemas: {
        "order.placed": z.object({ id: z.string() }),
        "order.paid": v.object({ cents: v.number() }),
      },
    });
    expectTypeOf(bus).toEqualTypeOf<EventBus<Topics>>();
    // @ts-expect-error: the type says that an id is text
    createEventBus<Topics>({ schemas: { "order.placed": z.object({ id: z.number() }) } });
    // @ts-expect-error: no such topic
    createEventBus<Topics>({ schemas: { "order.plcaed": z.object({ id: z.string() }) } });

    const events = {} as EventView<Topics>;
    const checked = createEventBus({
      events,
      schemas: { "order.placed": z.object({ id: z.string() }) },
    });
    expectTypeOf(checked).toEqualTypeOf<EventBus<Topics>>();
  });

  test("of a failure are told in the library's own words", () => {
    expectTypeOf<PayloadError["issues"][number]["message"]>().toEqualTypeOf<string>();
    expectTypeOf<PayloadError["topic"]>().toEqualTypeOf<string>();
  });
});
