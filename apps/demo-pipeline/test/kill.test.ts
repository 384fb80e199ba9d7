import { describe, expect, it } from "vitest";
import type { Report } from "../src/report/summary.ts";
import { checkRun } from "./check-run.ts";
import { RunningDemo } from "./running-demo.ts";

const SAME_RUN = ["--quick", "--generations", "5", "--seed", "11"];

describe("the demo under kill -9", () => {
  it("loses and doubles nothing, and ends with the champion of an undisturbed run", async () => {
    await using calm = new RunningDemo(SAME_RUN);
    expect(await calm.exitCode(), calm.stderr).toBe(0);
    const undisturbed = calm.json("report.json") as Report;
    expect(undisturbed.restarts).toEqual([]);

    await using stormy = new RunningDemo(SAME_RUN);
    // Eight batches make a generation: after three, both workers are in the middle of one.
    await stormy.until(() => stormy.count("games") >= 3);
    const before = stormy.pids();
    for (const node of ["worker-1", "worker-2"]) process.kill(before[node]!, "SIGKILL");
    // Generation 3 is being played by the restarted workers while the trainer is at generation 2.
    await stormy.until(() => stormy.count("games") >= 18);
    process.kill(before["trainer"]!, "SIGKILL");
    expect(await stormy.exitCode(), stormy.stdout + stormy.stderr).toBe(0);

    const found = await checkRun(stormy.folder);
    expect(found.problems).toEqual([]);
    expect(found.redelivered).toBeGreaterThan(0);
    const report = stormy.json("report.json") as Report;
    const killed = report.restarts.map(({ node, reason }) => `${node} ${reason}`);
    expect(killed.toSorted()).toEqual(["trainer SIGKILL", "worker-1 SIGKILL", "worker-2 SIGKILL"]);
    for (const node of ["worker-1", "worker-2", "trainer"]) {
      expect(stormy.pids()[node]).not.toBe(before[node]);
    }
    expect(report.champion).toEqual(undisturbed.champion);
    expect(report.gates).toEqual(undisturbed.gates);
  });
});
