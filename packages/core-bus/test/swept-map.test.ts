import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";
import { SweptMap } from "../src/router/swept-map.ts";

describe("a map whose keys come and go", () => {
  it("answers as a Map does, whatever comes and goes", () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 60 }).map(String),
      value: fc.option(fc.nat(), { nil: undefined, freq: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const map = new SweptMap<number>();
        const model = new Map<string, number>();
        for (const { key, value } of steps) {
          if (value === undefined) {
            map.delete(key);
            model.delete(key);
          } else {
            map.set(key, value);
            model.set(key, value);
          }
          expect(map.get(key)).toBe(model.get(key));
          expect(map.size).toBe(model.size);
        }
        expect(new Map(map)).toEqual(model);
      }),
    );
  });

  it("keeps a topic's subscriptions right when it is subscribed again and again", () => {
    const bus = createEventBus();
    for (let n = 0; n < 100; n += 1) bus.subscribe(`stays.n${n}`, () => {});
    for (let n = 0; n < 1000; n += 1) {
      let calls = 0;
      const end = bus.subscribe("comes.and.goes", () => (calls += 1));
      expect(bus.publishSync("comes.and.goes")).toBe(1);
      end();
      expect(bus.publishSync("comes.and.goes")).toBe(0);
      expect(calls).toBe(1);
    }
    expect(bus.inspect().topics).toHaveLength(100);
  });
});
