import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { READMES, replaceBlock, withFigures } from "../src/readme.ts";
import { type SizeResult, sizeProblems } from "../src/size.ts";
import { typedSource } from "../src/type-cost.ts";

describe("the figures in a README", () => {
  it.each(READMES)(
    "are those of bench/results, as `pnpm bench readme` writes them: $file",
    (one) => {
      const text = readFileSync(one.file, "utf8");
      expect(text).toBe(withFigures(text, one.blocks));
    },
  );

  it("are replaced between their markers and nowhere else", () => {
    const text = "Before.\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nAfter.\n";
    expect(replaceBlock(text, "a", "new")).toBe(
      "Before.\n<!-- bench:a -->\n\nnew\n\n<!-- /bench:a -->\nAfter.\n",
    );
  });

  it("are refused a README without markers, or with markers twice", () => {
    const once = "<!-- bench:a -->\n<!-- /bench:a -->\n";
    expect(() => replaceBlock("No markers.", "a", "new")).toThrow('needs "<!-- bench:a -->"');
    expect(() => replaceBlock(once + once, "a", "new")).toThrow("once each");
  });
});

describe("the size limits", () => {
  const size: SizeResult = {
    command: "pnpm bench size",
    own: 8000,
    ownLimit: 8000,
    all: 20_000,
    allLimit: 20_000,
    busOnly: 7000,
    dependencies: {},
  };

  it("are kept up to the last byte, and broken by one more", () => {
    expect(sizeProblems(size)).toEqual([]);
    expect(sizeProblems({ ...size, own: 8001 })).toEqual([
      "core-bus's own code is 8001 bytes gzipped; at most 8000.",
    ]);
    expect(sizeProblems({ ...size, all: 20_001 })).toEqual([
      "core-bus with its dependencies is 20001 bytes; at most 20000.",
    ]);
  });
});

describe("the program whose types are timed", () => {
  it("declares as many topics and subscribes as many patterns as it says", () => {
    const source = typedSource(500, 40);
    expect(source.match(/": \{ readonly n\d+: number \};/g)).toHaveLength(500);
    expect(new Set(source.match(/bus\.subscribe\("[^"]+"/g))).toHaveLength(40);
  });
});
