import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { Crew } from "../crew.ts";
import { monotonicMicros, readJournals } from "../journal.ts";
import type { Outcome, Scenario } from "../scenario.ts";

/** What is done to the file of a queue. Its log and its shared memory go with it, or stay. */
const DEEDS: Readonly<Record<string, (path: string, other: string) => void>> = {
  "deleted with its log": (path) => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  },
  deleted: (path) => rmSync(path),
  replaced: (path, other) => renameSync(other, path),
};

/** The file is deleted or replaced under running processes: nothing that is lost with it may be acknowledged. */
export const deleted: Scenario = {
  name: "deleted",
  title: "the file deleted or replaced under running processes",
  hindrance: () => (process.platform === "win32" ? "Windows keeps open files." : undefined),
  async run(ms): Promise<Outcome> {
    const end = performance.now() + ms;
    const deeds = Object.entries(DEEDS);
    const problems: string[] = [];
    let faults = 0;
    do {
      await using crew = new Crew();
      crew.start("publisher");
      crew.start("publisher");
      const other = join(crew.folder, "other.db");
      await makeQueue(other);
      await crew.sent(20);
      const [what, deed] = deeds[faults % deeds.length] ?? [];
      deed?.(crew.path, other);
      const gone = monotonicMicros();
      faults += 1;
      await sleep(400);
      const entries = readJournals(crew.journals);
      const late = entries.filter((entry) => {
        if (entry.kind !== "sent") return false;
        const attempt = entries.find(
          ({ kind, by, ...rest }) =>
            kind === "attempt" && by === entry.by && "n" in rest && rest.n === entry.n,
        );
        return attempt !== undefined && attempt.at > gone;
      });
      if (late.length > 0)
        problems.push(`${late.length} events were acknowledged once it was ${what}.`);
      const refused = entries.filter(({ kind, at }) => kind === "refused" && at > gone);
      if (refused.length === 0) problems.push(`Nothing was refused once it was ${what}.`);
    } while (faults < deeds.length || performance.now() < end);
    return { faults, problems };
  },
};

async function makeQueue(path: string): Promise<void> {
  await using queue = new CrossProcessEventQueue(path);
  await queue.send("OTHER", {});
}
