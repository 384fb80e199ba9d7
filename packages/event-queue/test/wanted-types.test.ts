import fc from "fast-check";
import { expect, test } from "vitest";
import { WantedTypes } from "../src/backend.ts";

const types = ["A", "B", "C"];
const wish = fc.record({
  eventTypes: fc.option(fc.uniqueArray(fc.constantFrom(...types), { minLength: 1 })),
  newest: fc.nat(20),
});

/** What a group comes to want, as its members join one after another. */
const wanted = fc.array(wish, { minLength: 1, maxLength: 5 }).map(([first, ...later]) => {
  const ordered = later.toSorted((one, other) => one.newest - other.newest);
  return ordered.reduce(
    (all, { eventTypes, newest }) => all.with(eventTypes, newest),
    WantedTypes.of(first?.eventTypes ?? null),
  );
});

test("the segments above a cursor are exactly what is wanted there, each event in one of them", () => {
  fc.assert(
    fc.property(wanted, fc.nat(20), (group, cursor) => {
      const segments = group.segments(cursor);
      for (let position = cursor + 1; position <= 25; position += 1) {
        for (const type of types) {
          const within = segments.filter(
            ({ eventTypes, after, upTo }) =>
              position > after &&
              position <= (upTo ?? Number.POSITIVE_INFINITY) &&
              (eventTypes?.includes(type) ?? true),
          );
          expect(within).toHaveLength(group.wants(type, position) ? 1 : 0);
        }
      }
    }),
  );
});

test("what is wanted is read as it was written", () => {
  fc.assert(
    fc.property(wanted, (group) => {
      const read = WantedTypes.decode(group.encode());
      expect(read.encode()).toBe(group.encode());
      expect(read.eventTypes).toEqual(group.eventTypes);
    }),
  );
});

test("a type that was wanted with all others goes on when these are no longer wanted", () => {
  const group = WantedTypes.of(null)
    .with(["A"], 10)
    .marked([["A"]], { now: 0, isFirst: false })
    .withoutOver(60_000);
  expect(group.eventTypes).toEqual(["A"]);
  expect(group.wants("A", 1)).toBe(true);
  expect(group.wants("B", 100)).toBe(false);
});
