import { setTimeout as sleep } from "node:timers/promises";
import { Crew } from "../crew.ts";
import { between, type Outcome, pick, type Scenario } from "../scenario.ts";

const LEASE_MS = 300;

/** Processes are stopped past the end of their leases, and come back believing that these are theirs. */
export const freeze: Scenario = {
  name: "freeze",
  title: "SIGSTOP past the lease, then SIGCONT",
  hindrance: () => (process.platform === "win32" ? "Windows has no SIGSTOP." : undefined),
  async run(ms): Promise<Outcome> {
    await using crew = new Crew({ leaseMs: LEASE_MS, workMs: 2, pauseMs: 5 });
    for (const role of ["publisher", "publisher", "consumer", "consumer", "consumer"] as const) {
      crew.start(role);
    }
    await crew.ready();
    const end = performance.now() + ms;
    let faults = 0;
    while (performance.now() < end) {
      await sleep(between(20, 150));
      const victim = pick(crew.hands);
      if (!victim) continue;
      victim.process.kill("SIGSTOP");
      await sleep(between(LEASE_MS, 3 * LEASE_MS));
      victim.process.kill("SIGCONT");
      faults += 1;
    }
    return { faults, verdict: await crew.finish(), problems: [] };
  },
};
