import { describe, expect, it } from "vitest";
import { CatalogueError, defineCatalogue, emitterName, event, named } from "../src/index.ts";

const shop = defineCatalogue({
  "order.placed": event<{ id: string; cents: number }>(),
  "order.line-added": event<{ id: string }>(),
  "parcel.sent": named<{ id: string }>()({
    stages: ["shipping_complete", "express_shipping_complete"],
    data: "sent_parcel",
    crossProcess: "PARCEL_OUT",
    aliases: ["PARCEL_SENT"],
    failure: "parcel.lost",
    rejection: "parcel.refused",
  }),
  "parcel.lost": event<{ id: string }>(),
  "parcel.refused": event<{ id: string }>(),
  "cart.hovered": named<{ id: string }>()({ local: true }),
});

function codeOf(fn: () => unknown): string | undefined {
  try {
    fn();
  } catch (error) {
    return error instanceof CatalogueError ? error.code : String(error);
  }
  return undefined;
}

describe("a catalogue", () => {
  it("derives the data and queue names of an event from its topic", () => {
    expect(shop.entryForTopic("order.placed")).toMatchObject({
      data: "order_placed",
      crossProcess: "ORDER_PLACED",
      stages: [],
      failure: undefined,
      local: false,
    });
  });

  it("writes hyphens of a topic as underscores on the other buses", () => {
    expect(shop.entryForQueue("ORDER_LINE_ADDED")?.topic).toBe("order.line-added");
  });

  it("finds one entry by its topic, each of its stages, its data name, its queue name and an alias", () => {
    const entry = shop.entryForTopic("parcel.sent");
    expect(entry).toBeDefined();
    expect(shop.entryForStage("shipping_complete")).toBe(entry);
    expect(shop.entryForStage("express_shipping_complete")).toBe(entry);
    expect(shop.entryForData("sent_parcel")).toBe(entry);
    expect(shop.entryForQueue("PARCEL_OUT")).toBe(entry);
    expect(shop.entryForQueue("PARCEL_SENT")).toBe(entry);
    expect(shop.entryFor("express_shipping_complete")).toBe(entry);
  });

  it("answers undefined for a name it does not know, properties of objects included", () => {
    for (const name of ["unknown", "", "constructor", "__proto__", "toString", "hasOwnProperty"]) {
      expect(shop.entryForTopic(name)).toBeUndefined();
      expect(shop.entryForStage(name)).toBeUndefined();
      expect(shop.entryForData(name)).toBeUndefined();
      expect(shop.entryForQueue(name)).toBeUndefined();
      expect(shop.entryFor(name)).toBeUndefined();
      expect(shop.topics.canonical(name)).toBeUndefined();
    }
  });

  it("takes topics named like properties of objects as ordinary topics", () => {
    const odd = defineCatalogue({ constructor: event<{ a: 1 }>(), "to.string": event<{ a: 1 }>() });
    expect(odd.entryForTopic("constructor")?.crossProcess).toBe("CONSTRUCTOR");
    expect([...odd.topics.names]).toEqual(["constructor", "to.string"]);
  });

  it("gives a local event no name on the queue", () => {
    expect(shop.entryForTopic("cart.hovered")?.crossProcess).toBeUndefined();
    expect(shop.entryForQueue("CART_HOVERED")).toBeUndefined();
    expect(shop.queue.canonical("cart.hovered")).toBeUndefined();
    expect(shop.topics.names.has("cart.hovered")).toBe(true);
  });

  it("knows which events are the failure of another", () => {
    const failures = [...shop.entries.values()].filter((entry) => entry.isFailure);
    expect(failures.map((entry) => entry.topic)).toEqual(["parcel.lost", "parcel.refused"]);
  });

  it("fails under <domain>.failed where a stage names no failure", () => {
    const catalogue = defineCatalogue({
      "cake.baked": named<{ id: string }>()({ stages: ["bake_complete"] }),
      "cake.failed": named<{ id: string }>()({ stages: ["bake_failed"] }),
    });
    expect(catalogue.entryForTopic("cake.baked")?.failure).toBe("cake.failed");
    expect(catalogue.entryForTopic("cake.failed")).toMatchObject({
      failure: undefined,
      isFailure: true,
    });
  });

  it("grows into a larger one by its definitions", () => {
    const larger = defineCatalogue({ ...shop.definitions, "order.paid": event<{ id: string }>() });
    expect([...larger.topics.names]).toEqual([...shop.topics.names, "order.paid"]);
  });

  it("cannot be changed through its entries", () => {
    expect(Object.isFrozen(shop.entryForTopic("parcel.sent"))).toBe(true);
    expect(Object.isFrozen(shop.entryForTopic("parcel.sent")?.stages)).toBe(true);
  });
});

describe("a view of a catalogue", () => {
  it("names the events of its bus only", () => {
    expect([...shop.queue.names]).toEqual([
      "ORDER_PLACED",
      "ORDER_LINE_ADDED",
      "PARCEL_OUT",
      "PARCEL_LOST",
      "PARCEL_REFUSED",
    ]);
    expect([...shop.stages.names]).toEqual(["shipping_complete", "express_shipping_complete"]);
  });

  it.each(["parcel.sent", "sent_parcel", "shipping_complete", "PARCEL_OUT", "PARCEL_SENT"])(
    "translates %s into its bus's own spelling",
    (name) => {
      expect(shop.topics.canonical(name)).toBe("parcel.sent");
      expect(shop.queue.canonical(name)).toBe("PARCEL_OUT");
      expect(shop.stages.canonical(name)).toBe("shipping_complete");
    },
  );

  it("keeps a name that is its own", () => {
    expect(shop.stages.canonical("express_shipping_complete")).toBe("express_shipping_complete");
  });
});

const two = (first: object, second: object) => () =>
  defineCatalogue({ "a.one": named()(first), "a.two": named()(second) });

describe("defineCatalogue refuses", () => {
  it.each(["", "a..b", ".a", "a.", "a b", "a.*", "ä.b", "x".repeat(257), "a.".repeat(32) + "a"])(
    "the malformed topic %j",
    (topic) => {
      expect(codeOf(() => defineCatalogue({ [topic]: event() }))).toBe("INVALID_TOPIC");
    },
  );

  it("two events with one stage", () => {
    expect(codeOf(two({ stages: ["s"] }, { stages: ["s"] }))).toBe("DUPLICATE_NAME");
  });

  it("two events with one data name", () => {
    expect(codeOf(two({ data: "d" }, { data: "d" }))).toBe("DUPLICATE_NAME");
  });

  it("two events with one queue name, also when one of them is derived", () => {
    expect(codeOf(two({}, { crossProcess: "A_ONE" }))).toBe("DUPLICATE_NAME");
    expect(codeOf(() => defineCatalogue({ "a.b_c": event(), "a.b.c": event() }))).toBe(
      "DUPLICATE_NAME",
    );
  });

  it("an alias that is the queue name or the alias of another", () => {
    expect(codeOf(two({ aliases: ["A_TWO"] }, {}))).toBe("DUPLICATE_NAME");
    expect(codeOf(two({ aliases: ["OLD"] }, { aliases: ["OLD"] }))).toBe("DUPLICATE_NAME");
  });

  it("a stage that stands twice in one event", () => {
    expect(codeOf(two({ stages: ["s", "s"] }, {}))).toBe("DUPLICATE_NAME");
  });

  it("an option it does not know, since a typo would be a lost name", () => {
    const mistyped = { crossProces: "A_ONE" };
    expect(codeOf(two(mistyped, {}))).toBe("INVALID_DEFINITION");
  });

  it("a definition that is not one", () => {
    // @ts-expect-error a payload is not a definition
    expect(codeOf(() => defineCatalogue({ "a.one": { id: "string" } }))).toBe("INVALID_DEFINITION");
  });

  it("an empty name", () => {
    expect(codeOf(two({ stages: [""] }, {}))).toBe("INVALID_NAME");
    expect(codeOf(two({ failure: " " }, {}))).toBe("INVALID_NAME");
  });

  it("a local event with a queue name", () => {
    expect(codeOf(two({ local: true, crossProcess: "A" }, {}))).toBe("INVALID_DEFINITION");
  });

  it("with a message that names the offender and both owners", () => {
    expect(two({ stages: ["s"] }, { stages: ["s"] })).toThrow(
      'The stage "s" is used by "a.one" and "a.two"',
    );
  });
});

describe("emitterName", () => {
  it.each([
    ["training.completed", "trainingCompleted"],
    ["data.new_games", "dataNewGames"],
    ["order.line-added.twice", "orderLineAddedTwice"],
    ["ping", "ping"],
  ])("turns %s into %s", (topic, name) => {
    expect(emitterName(topic)).toBe(name);
  });
});

describe("the failure of a name", () => {
  it("is spelled as on its own bus, and a stage has none: its payload says how it ended", () => {
    expect(shop.topics.failureOf?.("parcel.sent")).toBe("parcel.lost");
    expect(shop.queue.failureOf?.("PARCEL_OUT")).toBe("PARCEL_LOST");
    expect(shop.queue.failureOf?.("PARCEL_SENT")).toBe("PARCEL_LOST");
    expect(shop.stages.failureOf?.("shipping_complete")).toBeUndefined();
    for (const topic of ["parcel.lost", "parcel.refused", "order.placed", "weather.changed"]) {
      expect(shop.topics.failureOf?.(topic)).toBeUndefined();
    }
  });
});
