import { describe, expect, test } from "vitest";
import { createEventBus } from "../src/index.ts";
import { MATCHES, TOPICS } from "./pattern-table.ts";

/** The same table is what the types are held against, so that they cannot drift from the router. */
describe("the table that the pattern types are tested with", () => {
  test.for(Object.entries(MATCHES))("is what the bus delivers for %s", ([pattern, topics]) => {
    const bus = createEventBus();
    const delivered: string[] = [];
    bus.subscribe(pattern, (event) => delivered.push(event.topic));
    for (const topic of TOPICS) bus.publishSync(topic);
    expect(delivered).toEqual(topics);
  });
});

describe("subscribePattern", () => {
  test("subscribes to a pattern that is known only at run time", () => {
    const bus = createEventBus<{ "order.placed": { cents: number }; "user.joined": undefined }>();
    const seen: string[] = [];
    const area: string = "order";
    const subscription = bus.subscribePattern(`${area}.*`, (event) => seen.push(event.topic));
    bus.publishSync("order.placed", { cents: 1 });
    bus.publishSync("user.joined");
    expect(seen).toEqual(["order.placed"]);
    expect(subscription.topic).toBe("order.*");
  });

  test("takes the name of one topic, and options as subscribe does", () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    bus.subscribePattern("order.placed", (event) => seen.push(event.payload), { once: true });
    bus.publishSync("order.placed", 1);
    bus.publishSync("order.placed", 2);
    expect(seen).toEqual([1]);
  });

  test("refuses what is outside the grammar", () => {
    const bus = createEventBus();
    expect(() => bus.subscribePattern("order\\..*", () => {})).toThrow(
      expect.objectContaining({ code: "INVALID_PATTERN" }),
    );
    expect(() => bus.subscribePattern("", () => {})).toThrow(
      expect.objectContaining({ code: "INVALID_TOPIC" }),
    );
  });
});
