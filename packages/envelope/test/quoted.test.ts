import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineage, EnvelopeError, printable, quoted, validateLineage } from "../src/index.ts";

/** Controls, bidi marks, line separators and lone surrogates. */
const UNSEEN =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])/;

describe("printable", () => {
  it("writes out what nobody sees, and leaves the rest", () => {
    expect(printable("a\u001b[2Jb\nc\u202ed\u009be\u2028f\ud800")).toBe(
      "a\\u001b[2Jb\\nc\\u202ed\\u009be\\u2028f\\ud800",
    );
    expect(printable('größer "日本" 👩‍👧 \\')).toBe('größer "日本" 👩‍👧 \\');
  });

  it("lets no unseen character through, whatever it is given and however it is cut", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.integer({ min: 0, max: 8 }),
        (text, most) => !UNSEEN.test(printable(text)) && !UNSEEN.test(quoted(text, most)),
      ),
    );
  });

  it("never throws, and shows at most so much", () => {
    const hostile = {
      toString() {
        throw new Error("no");
      },
    };
    expect([printable(hostile), printable(Symbol("s")), printable(1n)]).toEqual([
      "object",
      "Symbol(s)",
      "1",
    ]);
    expect(quoted("x".repeat(100))).toBe(`"${"x".repeat(60)}…"`);
    expect(quoted("abc", 2)).toBe('"ab…"');
  });
});

describe("an error of this package", () => {
  it("has nothing in it that drives a terminal", () => {
    const lineage = { ...createLineage(), id: "\u001b]0;pwn\u0007\nINFO forged" };
    let failure: unknown;
    try {
      validateLineage(lineage);
    } catch (cause) {
      failure = cause;
    }
    expect(failure).toBeInstanceOf(EnvelopeError);
    expect((failure as Error).message).not.toMatch(UNSEEN);
    expect((failure as Error).message).toContain("\\u001b]0;pwn\\u0007\\nINFO forged");
  });
});
