import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Crew } from "../crew.ts";
import { between, type Outcome, pick, type Scenario } from "../scenario.ts";

/**
 * Each process has a wall clock of its own that is stepped by up to two hours: worse than one clock
 * that is stepped for all of them.
 */
export const clock: Scenario = {
  name: "clock",
  title: "wall clocks stepped by up to ± 2 h",
  hindrance: () => (process.platform === "win32" ? "Windows has no SIGUSR2." : undefined),
  async run(ms): Promise<Outcome> {
    await using crew = new Crew({ pauseMs: 3 });
    const preload = fileURLToPath(new URL("../actors/shifting-clock.ts", import.meta.url));
    for (const role of ["publisher", "publisher", "consumer", "consumer"] as const) {
      crew.start(role, { flags: ["--import", preload] });
    }
    // A signal before the clock is loaded would end the process.
    await crew.ready();
    const end = performance.now() + ms;
    let faults = 0;
    while (performance.now() < end) {
      pick(crew.hands)?.process.kill("SIGUSR2");
      faults += 1;
      await sleep(between(50, 300));
    }
    // Leases that were taken in the future are waited for by nobody: clocks that are right take over.
    for (const hand of crew.hands) await crew.dismiss(hand);
    crew.start("consumer");
    return { faults, verdict: await crew.finish(), problems: [] };
  },
};
