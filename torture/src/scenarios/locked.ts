import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import Database from "better-sqlite3";
import type { ActorOptions } from "../actors/actor.ts";
import { Crew } from "../crew.ts";
import { between, type Outcome, type Scenario } from "../scenario.ts";

/** Each third of them does not come back. */
const KILL_EACH = 3;
const LOOK_EVERY_MS = 10;

/**
 * A process stands still in the middle of a write transaction of the queue, with the lock, and then goes on or is
 * killed; the others wait, and go on. Its row and its event are there together, or not at all.
 */
export const locked: Scenario = {
  name: "locked",
  title: "SIGSTOP inside a write transaction",
  hindrance: () => (process.platform === "linux" ? undefined : "It reads Linux's /proc."),
  async run(ms): Promise<Outcome> {
    await using crew = new Crew();
    for (const role of ["publisher", "publisher", "consumer"] as const) crew.start(role);
    await crew.sent(20);
    const end = performance.now() + ms;
    let faults = 0;
    let holder = hold(crew, faults);
    try {
      while (performance.now() < end) {
        await stopped(holder);
        await sleep(between(100, 900));
        faults += 1;
        if (faults % KILL_EACH === 0) {
          await killed(holder);
          holder = hold(crew, faults);
        } else holder.kill("SIGCONT");
        // Others get their turn.
        await sleep(50);
      }
    } finally {
      await killed(holder);
    }
    const problems = await compareEffects(crew.path);
    return { faults, verdict: await crew.finish(), problems };
  },
};

function hold({ path, journals }: Crew, number: number): ChildProcess {
  const file = fileURLToPath(new URL("../actors/lock-holder.ts", import.meta.url));
  const options: ActorOptions = { path, journals, by: `holder-${number}` };
  return fork(file, [JSON.stringify(options)], { execArgv: ["--conditions=@ringrift/source"] });
}

async function stopped({ pid }: ChildProcess): Promise<void> {
  while (!/^State:\tT/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) {
    await sleep(LOOK_EVERY_MS);
  }
}

async function killed(holder: ChildProcess): Promise<void> {
  holder.kill("SIGKILL");
  if (holder.exitCode === null && holder.signalCode === null) await once(holder, "exit");
}

async function compareEffects(path: string): Promise<string[]> {
  await using queue = new CrossProcessEventQueue(path);
  const events = await queue.history({ eventTypes: ["EFFECT"], limit: 10_000 });
  await queue.close();
  const database = new Database(path);
  const effects = database.prepare("SELECT id FROM effects ORDER BY rowid").pluck().all();
  database.close();
  const ids = events.map(({ id }) => id);
  if (ids.length === 0) return ["No transaction was committed."];
  return effects.join() === ids.join() ? [] : ["Rows and events of transactions differ."];
}
