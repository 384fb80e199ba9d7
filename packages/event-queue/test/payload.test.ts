import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePayload, encodePayload } from "../src/backend.ts";
import { QueueError } from "../src/index.ts";

describe("payloads", () => {
  test("every JSON value comes back as it was", () => {
    fc.assert(
      fc.property(jsonValue(), (value) => {
        expect(decodePayload(encodePayload(value))).toEqual(value);
      }),
    );
  });

  test("minus zero becomes zero, as JSON has it", () => {
    expect(decodePayload(encodePayload([-0]))).toEqual([0]);
  });

  test("any value at all is either refused with a code or stored as JSON says", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withBoxedValues: true,
    });
    const seen = { refused: 0, stored: 0 };
    fc.assert(
      fc.property(anything, (value) => {
        let text: string;
        try {
          text = encodePayload(value);
        } catch (error) {
          expect(error).toBeInstanceOf(QueueError);
          expect((error as QueueError).code).toMatch(/^PAYLOAD_/);
          seen.refused += 1;
          return;
        }
        expect(decodePayload(text)).toEqual(JSON.parse(JSON.stringify(value ?? null)));
        seen.stored += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(seen.refused).toBeGreaterThan(100);
    expect(seen.stored).toBeGreaterThan(100);
  });

  const refusals: readonly (readonly [string, unknown, string])[] = [
    ["a date", { at: { when: new Date(0) } }, '"payload.at.when"'],
    ["an item", { games: [{}, { map: new Map() }] }, '"payload.games[1].map"'],
    ["a field whose name is no identifier", { "a b": 1n }, '"payload["a b"]"'],
    ["the payload itself", Number.NaN, '"payload"'],
    ["a forbidden key", JSON.parse('{"a":{"__proto__":1}}'), '"payload.a.__proto__"'],
  ];
  test.each(refusals)("the message names the place of %s", (_, value, place) => {
    expect(() => encodePayload(value)).toThrow(place);
  });

  test.each([
    ["a Date", new Date(), "toISOString"],
    ["a Promise", Promise.resolve(), "Await it"],
    ["a Map", new Map(), "Object.fromEntries"],
    ["an Error", new RangeError("x"), "its name and message"],
    ["an instance of a class", new (class Game {})(), "plain object"],
  ])("the message says what to send in place of %s", (_, value, advice) => {
    expect(() => encodePayload({ value })).toThrow(advice);
  });

  test("a cycle is told from mere depth", () => {
    const node: { children: unknown[] } = { children: [] };
    node.children.push({ parent: node });
    expect(() => encodePayload(node)).toThrow("refers to itself");
  });

  test("one part may be there twice", () => {
    const part = { n: 1 };
    expect(encodePayload([part, part])).toBe('[{"n":1},{"n":1}]');
  });

  test("a small object that would be huge as JSON is refused in no time", () => {
    let part: object = {};
    for (let level = 0; level < 60; level += 1) part = { left: part, right: part };
    expect(() => encodePayload(part)).toThrow(
      expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }),
    );
  });

  test("the limits are exact", () => {
    const nested = (depth: number): unknown =>
      Array.from({ length: depth }).reduce((value: unknown) => [value], 0);
    expect(encodePayload(nested(64))).toHaveLength(129);
    expect(() => encodePayload(nested(65))).toThrow("more than 64 levels");
    expect(encodePayload("x".repeat(8), { maxBytes: 10 })).toBe('"xxxxxxxx"');
    expect(() => encodePayload("x".repeat(9), { maxBytes: 10 })).toThrow(
      "11 bytes of JSON; the limit is 10 bytes",
    );
  });

  test("size is measured in bytes of UTF-8", () => {
    expect(encodePayload("漢字", { maxBytes: 8 })).toBe('"漢字"');
    expect(() => encodePayload("漢字!", { maxBytes: 8 })).toThrow("9 bytes");
  });

  test("an object of another realm is plain too", async () => {
    const { runInNewContext } = await import("node:vm");
    expect(encodePayload(runInNewContext("({ a: [1, { b: 2 }] })"))).toBe('{"a":[1,{"b":2}]}');
    expect(() => encodePayload(runInNewContext("new Date(0)"))).toThrow("instance of Date");
  });

  test("a getter that throws is refused with its error as the cause", () => {
    const cause = new Error("not now");
    const value = {
      get lazy() {
        throw cause;
      },
    };
    expect(() => encodePayload(value)).toThrow(
      expect.objectContaining({ code: "PAYLOAD_NOT_JSON", cause }),
    );
  });

  test("an array with a toJSON method is refused, as an object with one is", () => {
    const list = Object.assign([1], { toJSON: () => "stolen" });
    expect(() => encodePayload({ list })).toThrow('a toJSON method at "payload.list"');
    expect(() => encodePayload({ toJSON: () => 1 })).toThrow("a toJSON method");
    expect(encodePayload({ toJSON: 1 })).toBe('{"toJSON":1}');
  });

  test("an object that inherits its fields is refused: nothing would be stored of them", () => {
    const fields = Object.assign(Object.create(null), { a: 1 });
    expect(() => encodePayload(Object.create(fields))).toThrow("an instance of");
    expect(encodePayload(fields)).toBe('{"a":1}');
  });

  test.each([
    ["a Date", new Date(0)],
    ["NaN", Number.NaN],
    ["a lone surrogate", "\ud800"],
    ["a function", () => 1],
  ])("a getter that first gives a number and then %s is stored as the number", (_, second) => {
    let reads = 0;
    const value = { a: [{ b: 0 }] };
    Object.defineProperty(value.a[0], "b", {
      enumerable: true,
      get: () => (reads++ === 0 ? 7 : second),
    });
    expect(encodePayload(value)).toBe('{"a":[{"b":7}]}');
    expect(reads).toBe(1);
  });

  test("a proxy whose fields change between reads is stored as it was read once", () => {
    let reads = 0;
    const value = new Proxy(
      {},
      {
        ownKeys: () => [reads++ === 0 ? "a" : "__proto__"],
        getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
        get: (_, name) => (name === "toJSON" ? undefined : 1),
      },
    );
    expect(encodePayload(value)).toBe('{"a":1}');
    expect(() => encodePayload(value)).toThrow('"__proto__" key');
  });

  test.each(["", "{", '{"a":1', "undefined", "\u0000"])(
    "stored text that is not JSON is corrupt: %j",
    (text) => {
      expect(() => decodePayload(text)).toThrow(expect.objectContaining({ code: "CORRUPT_EVENT" }));
    },
  );

  test.each(['{"a":[{"__proto__":1}]}', '{"\\u005f_proto__":1}', '{"__proto\\u005F_":1}'])(
    "a forbidden key that somebody else stored is found, however it is spelt: %s",
    (text) => {
      expect(() => decodePayload(text)).toThrow(
        expect.objectContaining({ code: "PAYLOAD_FORBIDDEN_KEY" }),
      );
    },
  );

  test("a text that only speaks of the forbidden key is read", () => {
    expect(decodePayload('{"note":"never __proto__"}')).toEqual({ note: "never __proto__" });
  });
});

function jsonValue(): fc.Arbitrary<fc.JsonValue> {
  return fc
    .jsonValue({ maxDepth: 6 })
    .map((value) => JSON.stringify(value))
    .filter((text) => !text.includes('"__proto__":'))
    .map((text) => JSON.parse(text) as fc.JsonValue);
}
