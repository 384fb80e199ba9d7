import { describe, expect, it } from "vitest";
import { presetFor } from "../src/game/index.ts";
import { nodesFor } from "../src/roles.ts";
import { WORK_GROUPS } from "../src/catalogue.ts";
import { checkpoints, generationJobs, ratingJobs } from "../src/schedule.ts";
import type { RunSettings } from "../src/stages/context.ts";

const run: RunSettings = {
  runId: "run",
  configKey: "hex6_2p",
  size: 6,
  seed: "7",
  preset: { ...presetFor(6), gamesPerGeneration: 1100, gamesPerBatch: 500 },
  firstModelId: "first",
};

describe("a generation's jobs", () => {
  it("share out its games, each with a seed of its own", () => {
    const jobs = generationJobs(run, 3, "champion");
    expect(jobs.map(({ games }) => games)).toEqual([500, 500, 100]);
    expect(new Set(jobs.map(({ seed }) => seed)).size).toBe(3);
    expect(new Set(jobs.map(({ jobId }) => jobId)).size).toBe(3);
    expect(jobs[0]).toMatchObject({ jobId: "0003-1", iteration: 3, modelId: "champion" });
  });
});

describe("the rating", () => {
  const champions = Array.from({ length: 30 }, (_, i) => ({ generation: i, modelId: `m${i}` }));

  it("takes at most nine champions, the first and the last among them", () => {
    const rated = checkpoints(champions).map(({ generation }) => generation);
    expect(rated).toHaveLength(9);
    expect(rated[0]).toBe(0);
    expect(rated.at(-1)).toBe(29);
    expect(new Set(rated).size).toBe(9);
    expect(checkpoints(champions.slice(0, 1))).toHaveLength(1);
  });

  it("lets every two of them meet once, and each of them the three yardsticks", () => {
    const jobs = ratingJobs(run, champions.slice(0, 4));
    expect(jobs).toHaveLength(6 + 4 * 3);
    expect(new Set(jobs.map(({ jobId }) => jobId)).size).toBe(jobs.length);
  });
});

describe("the nodes", () => {
  it("have names that no work group has: a node reads as a group of its own name", () => {
    const names = nodesFor(3).map(({ name }) => name);
    expect(names).toContain("worker-3");
    expect(names.filter((name) => name in WORK_GROUPS)).toEqual([]);
  });
});
