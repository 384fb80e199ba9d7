import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Crew } from "../crew.ts";
import type { Outcome, Scenario } from "../scenario.ts";

/** A smoke pass has fewer cycles, by its time. */
const RATE = 30;
const SMOKE_MS = 5_000;
const ALL_CYCLES = 1000;
const ALLOWED_MIB = 4;

/** A queue is opened and closed again and again in one process. */
export const reopen: Scenario = {
  name: "reopen",
  title: "open and close, again and again",
  hindrance: () => (process.platform === "linux" ? undefined : "It counts in Linux's /proc."),
  async run(ms): Promise<Outcome> {
    await using crew = new Crew();
    const cycles = ms > SMOKE_MS ? ALL_CYCLES : Math.ceil((ms / 1000) * RATE);
    const file = fileURLToPath(new URL("../actors/reopener.ts", import.meta.url));
    const child = fork(file, [JSON.stringify({ path: crew.path, cycles })], {
      execArgv: ["--conditions=@ringrift/source", "--expose-gc"],
    });
    const [grown] = (await once(child, "message")) as [Record<string, number>];
    await once(child, "exit");
    const problems = Object.entries(grown).flatMap(([what, more]) =>
      more > (what === "mib" ? ALLOWED_MIB : 0) ? [`${what} grew by ${more.toFixed(1)}.`] : [],
    );
    return { faults: cycles, problems };
  },
};
