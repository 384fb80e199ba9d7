import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { READMES, replaceBlock, resultsFile, withFigures } from "../src/readme/readmes.ts";
import { nextIdea, NEXT_IDEAS } from "../src/readme/next-ideas.ts";
import {
  ofBus as boardOfBus,
  ofNats as boardOfNats,
  ofQueue as boardOfQueue,
} from "../src/readme/scoreboard.ts";
import { ofBus, ofQueue, overview } from "../src/readme/user-figures.ts";
import type { SuiteResult } from "../src/runner/results.ts";
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

describe("the figures for users", () => {
  const [bus, queue] = [suite("bus"), suite("queue")];

  it("are four, with the command and no target", () => {
    for (const block of [overview(bus, queue), ofBus(bus, size()), ofQueue(queue)]) {
      const rows = block.split("\n").filter((line) => line.startsWith("|"));
      expect(rows).toHaveLength(2 + 4);
      expect(block).toContain("`pnpm bench ");
      expect(block).not.toMatch(/target|missed|met\b|≥|≤/);
    }
  });

  it("show the peer's figure also where the peer is faster", () => {
    expect(ofBus(bus, size())).toMatch(/history on +\| [\d.]+ ns +\| eventemitter3 [\d.]+ ns/);
  });

  it("are refused when the results lack a scenario", () => {
    const without = { ...queue, scenarios: queue.scenarios.filter(({ id }) => id !== "wake-up") };
    expect(() => ofQueue(without)).toThrow('"wake-up"');
    expect(() => ofBus({ ...bus, scenarios: [] }, size())).toThrow('"publish-1-history"');
  });
});

describe("the scoreboard for maintainers", () => {
  it("names a next idea for each missed target, and for no other", () => {
    const missed = [suite("bus"), suite("queue"), suite("nats")].flatMap(({ scenarios }) =>
      scenarios.flatMap((one) =>
        one.kind === "time"
          ? one.targets.filter(({ verdict }) => verdict !== "hit").map(({ base }) => [one.id, base])
          : [],
      ),
    );
    expect(missed.length).toBeGreaterThan(0);
    expect([...NEXT_IDEAS.keys()].toSorted()).toEqual(
      missed.map((pair) => pair.join("/")).toSorted(),
    );
    const boards = boardOfBus(suite("bus")) + boardOfQueue(suite("queue"));
    for (const [id = "", base = ""] of missed) {
      expect(boards).toContain(nextIdea(id, base));
    }
  });

  it("can't be written while a missed target has no idea", () => {
    const bus = suite("bus");
    const scenarios = bus.scenarios.map((one) => ({ ...one, id: `new-${one.id}` }));
    expect(() => boardOfBus({ ...bus, scenarios })).toThrow("has no next idea");
  });

  it("has no list of misses where every target is met", () => {
    expect(boardOfNats(suite("nats"))).not.toContain("next idea");
  });
});

function suite(name: string): SuiteResult {
  return JSON.parse(readFileSync(resultsFile(name), "utf8")) as SuiteResult;
}

function size(): SizeResult {
  return JSON.parse(readFileSync(resultsFile("size"), "utf8")) as SizeResult;
}

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
