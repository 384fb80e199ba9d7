import { setTimeout as sleep } from "node:timers/promises";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { Crew } from "../crew.ts";
import { between, type Outcome, pick, type Scenario } from "../scenario.ts";

/**
 * Processes of this version and of a made-up next one replace each other, in both directions: a rolling deploy that
 * expands the file under load, rollbacks, and deploys again.
 */
export const twoVersions: Scenario = {
  name: "two-versions",
  title: "this version and the next one in one file, deployed and rolled back under load",
  async run(ms): Promise<Outcome> {
    await using crew = new Crew({ leaseMs: 500, workMs: 1 });
    for (const role of ["publisher", "consumer"] as const) {
      crew.start(role);
      crew.start(role);
    }
    await crew.sent(5);
    const before = await versionOf(crew.path);
    const started = { this: 4, next: 0 };
    const end = performance.now() + ms;
    let faults = 0;
    while (performance.now() < end || started.next === 0) {
      await sleep(between(20, 250));
      const leaving = pick(crew.hands);
      if (!leaving) break;
      if (Math.random() < 0.5) await crew.kill(leaving);
      else await crew.dismiss(leaving);
      const isNext = Math.random() < 0.5;
      started[isNext ? "next" : "this"] += 1;
      crew.start(leaving.role, { settings: { isNextVersion: isNext } });
      await crew.ready();
      faults += 1;
    }
    const verdict = await crew.finish();
    const after = await versionOf(crew.path);
    const refusals = Object.keys(verdict.refused);
    const problems = refusals.map((code) => `Something was refused: ${code}.`);
    if (after !== before + 1) problems.push(`The file went from version ${before} to ${after}.`);
    const notes = [`${started.this} processes of this version, ${started.next} of the next`];
    return { faults, verdict, problems, notes };
  },
};

async function versionOf(path: string): Promise<number> {
  await using queue = new CrossProcessEventQueue(path);
  return Number((await queue.health()).details["schemaVersion"]);
}
