import { setTimeout as sleep } from "node:timers/promises";
import { Crew } from "../crew.ts";
import { between, type Outcome, pick, type Scenario } from "../scenario.ts";

const EACH = 3;

/** Publishers and consumers are killed in the middle of whatever they do, and others take their place. */
export const kill: Scenario = {
  name: "kill",
  title: "kill -9 of publishers and consumers",
  // A round needs new processes: so that some minutes for all scenarios are hundreds of rounds of this one.
  weight: 4,
  async run(ms): Promise<Outcome> {
    await using crew = new Crew({ leaseMs: 500, workMs: 2 });
    for (let n = 0; n < EACH; n += 1) {
      crew.start("publisher");
      crew.start("consumer");
    }
    await crew.ready();
    const end = performance.now() + ms;
    let faults = 0;
    while (performance.now() < end) {
      await sleep(between(10, 200));
      const victim = pick(crew.hands);
      if (!victim) continue;
      await crew.kill(victim);
      crew.start(victim.role);
      faults += 1;
    }
    return { faults, verdict: await crew.finish(), problems: [] };
  },
};
