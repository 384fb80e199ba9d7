import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Report } from "../src/report/summary.ts";
import { checkRun } from "./check-run.ts";
import { RunningDemo, isRunning } from "./running-demo.ts";

describe("the demo", () => {
  it("plays --quick to the end, and everything it promises holds", async () => {
    await using demo = new RunningDemo(["--quick", "--seconds", "5"]);
    expect(await demo.exitCode(), demo.stderr).toBe(0);

    const found = await checkRun(demo.folder);
    expect(found.problems).toEqual([]);
    expect(found.redelivered).toBe(0);
    expect(found.promotions).toBeGreaterThan(1);

    const report = demo.json("report.json") as Report;
    expect(report.ok).toBe(true);
    expect(report.events.total).toBe(found.events);
    expect(report.promotions).toBe(found.promotions);
    const champion = report.elo.ratings.find(
      ({ player }) => player === `g${report.champion.generation}`,
    );
    expect(champion!.low).toBeGreaterThan(100);
    expect(demo.stdout).toContain("Misleading");
    expect(demo.stdout).toContain("checks hold");
    expect(demo.stderr).toMatch(/generation 1 promoted/);
    for (const pid of Object.values(demo.pids())) expect(isRunning(pid)).toBe(false);
  });

  it("begins at the end of a queue file that an earlier run has used", async () => {
    await using first = new RunningDemo(["--quick", "--generations", "2"]);
    expect(await first.exitCode(), first.stderr).toBe(0);
    const db = join(first.folder, "events.db");
    await using second = new RunningDemo(["--quick", "--generations", "2", "--db", db]);
    expect(await second.exitCode(), second.stderr).toBe(0);
    const report = second.json("report.json") as Report;
    expect(report.champion).toEqual((first.json("report.json") as Report).champion);
  });

  it("ends all its processes on Ctrl-C, with exit code 130", async () => {
    await using demo = new RunningDemo(["--quick", "--seconds", "60"]);
    await demo.until(() => demo.count("games") > 2);
    const pids = Object.values(demo.pids());
    expect(pids).toHaveLength(6);
    expect(pids.every(isRunning)).toBe(true);
    demo.process.kill("SIGINT");
    expect(await demo.exitCode()).toBe(130);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(demo.stderr).toContain("all processes have ended");
  });

  it("ends them at once on a second Ctrl-C", async () => {
    await using demo = new RunningDemo(["--quick", "--seconds", "60"]);
    await demo.until(() => demo.count("games") > 2);
    const pids = Object.values(demo.pids());
    demo.process.kill("SIGINT");
    demo.process.kill("SIGINT");
    expect(await demo.exitCode()).toBe(130);
    for (let i = 0; i < 100 && pids.some(isRunning); i++) await sleep(50);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  it("exits with 2 on wrong usage, and says what was meant", async () => {
    await using demo = new RunningDemo(["--quik"]);
    expect(await demo.exitCode()).toBe(2);
    expect(demo.stderr).toContain("Did you mean --quick?");
    expect(demo.stdout).toBe("");
  });
});
