import { describe, expect, it } from "vitest";
import { Random, eloOfScore, expectedScore, fitRatings, naiveSum } from "../src/game/index.ts";
import type { PairTable } from "../src/game/index.ts";

function meet(a: string, b: string, difference: number, count: number, random: Random): PairTable {
  const pairs: [number, number, number] = [0, 0, 0];
  const win = expectedScore(difference);
  for (let i = 0; i < count; i++) {
    pairs[((random.unit() < win ? 1 : 0) + (random.unit() < win ? 1 : 0)) as 0 | 1 | 2]++;
  }
  return { a, b, pairs };
}

const truth = new Map([
  ["g0", 0],
  ["uct50", 240],
  ["g5", 400],
  ["uct200", 620],
  ["g10", 800],
]);

function roundRobin(seed: string, count: number): PairTable[] {
  const random = new Random(seed);
  const names = [...truth.keys()];
  return names.flatMap((a, i) =>
    names.slice(0, i).map((b) => meet(a, b, truth.get(a)! - truth.get(b)!, count, random)),
  );
}

const pinned = new Map([["g0", 0]]);

describe("Bradley–Terry ratings", () => {
  it("recover the strengths that made the results", () => {
    const ratings = fitRatings(roundRobin("recover", 2000), { pinned, rounds: 0 });
    const errors = ratings.map(({ player, elo }) => Math.abs(elo - truth.get(player)!));
    expect(Math.max(...errors)).toBeLessThan(20);
  });

  it("have intervals that hold the truth about 95 times in 100", () => {
    let inside = 0;
    let all = 0;
    for (let run = 0; run < 60; run++) {
      const ratings = fitRatings(roundRobin(`coverage ${run}`, 60), { pinned, rounds: 200 });
      for (const { player, low, high } of ratings) {
        if (player === "g0") continue;
        all++;
        if (low <= truth.get(player)! && truth.get(player)! <= high) inside++;
      }
    }
    expect(inside / all).toBeGreaterThan(0.85);
  });

  it("keep a pinned rating as given, with an empty interval", () => {
    const ratings = fitRatings(roundRobin("pin", 50), {
      pinned: new Map([
        ["g0", 0],
        ["uct50", 240],
      ]),
    });
    expect(ratings.find(({ player }) => player === "uct50")).toEqual({
      player: "uct50",
      elo: 240,
      low: 240,
      high: 240,
    });
  });

  it("stay finite for somebody who won every game", () => {
    const [, best] = fitRatings([{ a: "best", b: "g0", pairs: [0, 0, 50] }], { pinned });
    expect(best!.player).toBe("best");
    expect(best!.elo).toBeGreaterThan(500);
    expect(best!.elo).toBeLessThan(1500);
  });

  it("leave out who has no chain of meetings to a pinned player", () => {
    const ratings = fitRatings(
      [
        { a: "g1", b: "g0", pairs: [10, 10, 10] },
        { a: "x", b: "y", pairs: [1, 2, 3] },
      ],
      { pinned },
    );
    expect(ratings.map(({ player }) => player)).toEqual(["g0", "g1"]);
  });

  it("are the same for the same seed", () => {
    const tables = roundRobin("repeat", 40);
    expect(fitRatings(tables, { pinned })).toEqual(fitRatings(tables, { pinned }));
  });
});

describe("the naïve sum", () => {
  it("adds up what each gate seemed to say", () => {
    const gates = [
      { score: 0.6, pairs: 100 },
      { score: 0.55, pairs: 200 },
    ];
    expect(naiveSum(gates)).toBeCloseTo(eloOfScore(0.6, 200) + eloOfScore(0.55, 400), 10);
    expect(naiveSum(gates)).toBeGreaterThan(100);
  });

  it("overstates a climb whose gates stopped at their luckiest moment", () => {
    // Twenty candidates that are all equal: whoever happens to score 60 % is taken.
    const random = new Random("luck");
    const lucky = Array.from({ length: 400 }, () => meet("a", "b", 0, 20, random))
      .map(({ pairs }) => ({ score: (pairs[1] + 2 * pairs[2]) / 40, pairs: 20 }))
      .filter(({ score }) => score >= 0.6);
    expect(naiveSum(lucky)).toBeGreaterThan(1000);
  });
});
