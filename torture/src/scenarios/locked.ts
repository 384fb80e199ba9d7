import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Crew } from "../crew.ts";
import { between, type Outcome, type Scenario } from "../scenario.ts";

/** A process stands still while it has the file's write lock; the others wait, and go on. */
export const locked: Scenario = {
  name: "locked",
  title: "SIGSTOP inside a write transaction",
  hindrance: () => (process.platform === "win32" ? "Windows has no SIGSTOP." : undefined),
  async run(ms): Promise<Outcome> {
    await using crew = new Crew();
    for (const role of ["publisher", "publisher", "consumer"] as const) crew.start(role);
    await sleep(500);
    const file = fileURLToPath(new URL("../actors/lock-holder.ts", import.meta.url));
    const holder = fork(file, [JSON.stringify({ path: crew.path })], {
      execArgv: ["--conditions=@ringrift/source"],
    });
    const end = performance.now() + ms;
    let faults = 0;
    try {
      while (performance.now() < end) {
        await once(holder, "message");
        await sleep(between(100, 900));
        holder.kill("SIGCONT");
        faults += 1;
      }
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
    return { faults, verdict: await crew.finish(), problems: [] };
  },
};
