import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { READMES, replaceBlock, withFigures } from "../src/readme.ts";
import { BUDGETS, type SizeResult, sizeProblems, sizeText } from "../src/size.ts";
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

describe("the size budgets", () => {
  const size: SizeResult = {
    command: "pnpm bench size",
    own: BUDGETS.own,
    busOnly: BUDGETS.busOnly,
    all: BUDGETS.all,
    dependencies: { picomatch: 8000, "@standard-schema/spec": 0, eventemitter3: 1000 },
  };

  it("are kept up to the last byte", () => {
    expect(sizeProblems(size)).toEqual([]);
  });

  it.each(["own", "busOnly", "all"] as const)("are broken by one byte more of %s", (figure) => {
    const [problem, ...others] = sizeProblems({ ...size, [figure]: BUDGETS[figure] + 1 });
    expect(problem).toContain(`${BUDGETS[figure] + 1} bytes`);
    expect(problem).toContain(`the budget is ${BUDGETS[figure]}.`);
    expect(others).toEqual([]);
  });

  it("are no concern of the sentence for users, which names what a bundle consists of", () => {
    const weighed = { ...size, own: 16_500, busOnly: 15_200, all: 27_500 };
    expect(sizeText(weighed)).toBe(
      "Minified and gzipped for a browser: 27.5 kB with all dependencies (picomatch 8.0 kB, eventemitter3 1.0 kB). " +
        "Its own code is 16.5 kB of it, or 15.2 kB for anyone who imports `createEventBus` only.",
    );
  });
});

describe("the program whose types are timed", () => {
  it("declares as many topics and subscribes as many patterns as it says", () => {
    const source = typedSource(500, 40);
    expect(source.match(/": \{ readonly n\d+: number \};/g)).toHaveLength(500);
    expect(new Set(source.match(/bus\.subscribe\("[^"]+"/g))).toHaveLength(40);
  });
});
