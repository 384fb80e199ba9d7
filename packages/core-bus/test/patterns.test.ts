import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

/** The patterns without braces that a pattern stands for. Stars that braces alone bring together are one star. */
function writtenOut(pattern: string): string[] {
  const marked = pattern.replaceAll(/(?<!\*)\*(?!\*)/g, "★");
  return withoutBraces(marked).map((text) => text.replaceAll(/★+/g, "*"));
}

/** Written out one brace at a time. */
function withoutBraces(pattern: string): string[] {
  const open = pattern.indexOf("{");
  if (open === -1) return [pattern];
  const close = pattern.indexOf("}", open);
  const choices = pattern.slice(open + 1, close).split(",");
  return choices.flatMap((choice) =>
    withoutBraces(pattern.slice(0, open) + choice + pattern.slice(close + 1)),
  );
}

/** The definition of a pattern, as slow as it is short. */
function matches(pattern: string, topic: string): boolean {
  return writtenOut(pattern).some((path) => pathMatches(path.split("."), topic.split(".")));
}

function pathMatches(path: string[], topic: string[]): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return topic.length === 0;
  if (first === "**") {
    return pathMatches(rest, topic) || (topic.length > 0 && pathMatches(path, topic.slice(1)));
  }
  if (topic.length === 0 || !segmentMatches(first, topic[0]!)) return false;
  return pathMatches(rest, topic.slice(1));
}

function segmentMatches(segment: string, text: string): boolean {
  const first = segment[0];
  if (first === undefined) return text === "";
  if (first === "*") {
    return (
      segmentMatches(segment.slice(1), text) ||
      (text !== "" && segmentMatches(segment, text.slice(1)))
    );
  }
  if (text === "") return false;
  if (first === "[") {
    const close = segment.indexOf("]");
    const held = setOf(segment.slice(1, close)).includes(text[0]!);
    return held && segmentMatches(segment.slice(close + 1), text.slice(1));
  }
  return (first === "?" || first === text[0]) && segmentMatches(segment.slice(1), text.slice(1));
}

/** The characters of a bracket: `a-c` is three, and a `-` at the end is itself. */
function setOf(inside: string): string {
  const range = /^(.)-(.)/.exec(inside);
  if (inside === "") return "";
  if (!range) return inside[0]! + setOf(inside.slice(1));
  const [from, to] = [range[1]!.charCodeAt(0), range[2]!.charCodeAt(0)];
  const characters = Array.from({ length: to - from + 1 }, (_, n) => String.fromCharCode(from + n));
  return characters.join("") + setOf(inside.slice(3));
}

/** What is wrong with a pattern of the characters below, in the words of the bus's errors. */
function faults(pattern: string): string[] {
  const found = new Set<string>();
  const paths = [...new Set(writtenOut(pattern))];
  if (writtenOut(pattern).length > 64) found.add("more than 64 patterns");
  for (const path of paths.map((text) => text.split("."))) {
    if (path.length > 16) found.add("segments; the limit is 16");
    if (path.filter((segment) => segment === "**").length > 3) found.add("more than 3 '**'");
    for (const segment of path) {
      if (segment === "*" || segment === "**") continue;
      if (segment === "") found.add("has an empty segment");
      else if (segment.includes("**")) found.add("has '**' inside the segment");
      else if (segment.split("*").length > 3) found.add("more than 2 '*' in the segment");
    }
  }
  return [...found];
}

const literal = fc.constantFrom("a", "b", "ab", "c", "A", "0", "-", "_");
const piece = fc.oneof(
  { weight: 6, arbitrary: literal },
  { weight: 2, arbitrary: fc.constantFrom("*", "?") },
  { weight: 1, arbitrary: fc.constantFrom("[ab]", "[a-c]", "[b-b0]", "[_A]", "[ab-]", "[a-b0-9]") },
);
const choice = fc.array(fc.oneof(piece, fc.constantFrom("*", ".", "a.b")), { maxLength: 3 });
const braces = fc
  .array(choice, { minLength: 1, maxLength: 3 })
  .map((choices) => `{${choices.map((one) => one.join("")).join(",")}}`);
const segment = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(piece, { minLength: 1, maxLength: 6 }).map((one) => one.join("")),
  },
  { weight: 2, arbitrary: fc.constantFrom("*", "**") },
  { weight: 2, arbitrary: braces },
  { weight: 1, arbitrary: fc.tuple(piece, braces, piece).map((one) => one.join("")) },
);
const pattern = fc.array(segment, { minLength: 1, maxLength: 5 }).map((one) => one.join("."));
const word = fc
  .array(fc.constantFrom("a", "b", "c", "A", "0", "-", "_"), { minLength: 1, maxLength: 4 })
  .map((one) => one.join(""));
const topic = fc.array(word, { minLength: 1, maxLength: 6 }).map((one) => one.join("."));

/** A topic near a pattern: chance alone would find hardly one that matches. */
const near = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...writtenOut(text)), fc.infiniteStream(word), fc.infiniteStream(topic))
    .map(([path, words, topics]) =>
      path
        .split(".")
        .map((one) =>
          one === "**"
            ? topics.next().value
            : one
                .replaceAll(/\[(.)[^\]]*\]/g, "$1")
                .replaceAll("?", "a")
                .replaceAll("*", () => words.next().value),
        )
        .join("."),
    );

function isTopic(text: string): boolean {
  return /^[\w-]+(\.[\w-]+){0,31}$/.test(text) && text.length <= 256;
}

describe("patterns with braces and partial wildcards", () => {
  it.each([0, 1, 1024])(
    "match what their definition says, or are refused for what is wrong with them, with a cache of %i",
    (routeCache) => {
      let matched = 0;
      let unmatched = 0;
      let refused = 0;
      const cases = pattern.chain((text) =>
        fc.tuple(
          fc.constant(text),
          fc.array(fc.oneof(near(text), topic), { minLength: 8, maxLength: 8 }),
        ),
      );
      fc.assert(
        fc.property(cases, ([text, topics]) => {
          // Without a wildcard it is a topic, with a grammar of its own.
          if (!/[*?[{]/.test(text)) return;
          const bus = createEventBus({ routeCache, history: false });
          const wrong = faults(text);
          const subscribe = (): unknown => bus.subscribe(text, () => {});
          if (wrong.length > 0) {
            refused += 1;
            expect(subscribe).toThrow(
              expect.objectContaining({
                code: "INVALID_PATTERN",
                message: expect.toSatisfy((message: string) =>
                  wrong.some((one) => message.includes(one)),
                ),
              }),
            );
            return;
          }
          subscribe();
          for (const one of topics.filter(isTopic)) {
            const expected = matches(text, one);
            if (expected) matched += 1;
            else unmatched += 1;
            // The second time from the cache, where there is one.
            for (let round = 0; round < 2; round += 1) {
              expect([one, bus.publishSync(one)]).toEqual([one, expected ? 1 : 0]);
            }
          }
        }),
        { numRuns: 1500 },
      );
      // The property says something only if all three happen often.
      expect(Math.min(matched, unmatched, refused)).toBeGreaterThan(200);
    },
  );

  it("match side by side on one bus, each for itself, in the order in which they came", () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { minLength: 20, maxLength: 40 }),
        fc.array(topic, { minLength: 5, maxLength: 5 }),
        (texts, topics) => {
          const bus = createEventBus({ routeCache: 2, history: false });
          const accepted = texts.filter((text) => /[*?[{]/.test(text) && faults(text).length === 0);
          let called: string[] = [];
          for (const text of accepted) bus.subscribe(text, () => called.push(text));
          for (const one of [...topics, ...topics]) {
            called = [];
            bus.publishSync(one);
            expect(called).toEqual(accepted.filter((text) => matches(text, one)));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
