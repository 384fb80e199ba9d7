import fc from "fast-check";
import picomatch from "picomatch/posix.js";
import { expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

const OPTIONS = {
  dot: true,
  noextglob: true,
  nobrace: true,
  nonegate: true,
  strictSlashes: true,
  literalBrackets: false,
} as const;
const letter = fc.constantFrom("a", "b", "c", "z", "A", "0", "9", "_", "-");
const unit = fc.oneof(
  letter,
  fc.constant("?"),
  fc.constantFrom("[ab]", "[a-c]", "[0-9]", "[a-cz_]", "[A-Z0-9]", "[ab-]"),
);
const part = fc.array(unit, { maxLength: 4 }).map((units) => units.join(""));
/** With a wildcard, and at most two stars that don't touch. */
const pattern = fc
  .tuple(
    part,
    fc.constantFrom("*", ""),
    fc.array(unit, { minLength: 1, maxLength: 3 }),
    fc.constantFrom("*", "?"),
    part,
  )
  .map(([head, star, middle, wildcard, tail]) => head + star + middle.join("") + wildcard + tail);
const segment = fc
  .array(letter, { minLength: 1, maxLength: 12 })
  .map((letters) => letters.join(""));

// The bus takes a segment apart at its last star; picomatch gets it whole here.
it("matches within a segment what picomatch does", () => {
  let matched = 0;
  fc.assert(
    fc.property(pattern, fc.array(segment, { minLength: 20, maxLength: 20 }), (text, segments) => {
      const bus = createEventBus();
      bus.subscribe(text, () => {});
      const matches = picomatch(text, OPTIONS);
      for (const topic of segments) {
        expect(bus.hasSubscribers(topic), `${text} and ${topic}`).toBe(matches(topic));
        if (matches(topic)) matched += 1;
      }
    }),
    { numRuns: 1000 },
  );
  expect(matched).toBeGreaterThan(100);
});

it.each([
  ["*ab*ba", ["abba", "aabba", "ab-ba", "babcba"], ["aba", "ab", "ba", "abb", "abbab"]],
  ["a*?*a", ["aba", "aaaa"], ["a", "aa", "ab"]],
  ["*b*[b-]", ["bb", "abab-", "b-"], ["b", "ab", "-", "a-"]],
  ["?*a*?", ["aaa", "xay", "xxayy"], ["a", "aa", "ax", "xa"]],
])("gives no character of a topic to two parts of %s", (text, matching, others) => {
  const bus = createEventBus();
  bus.subscribe(text, () => {});
  const topics = [...matching, ...others];
  expect(topics.filter((topic) => bus.hasSubscribers(topic))).toEqual(matching);
});
