import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Crew } from "../crew.ts";
import { monotonicMicros, readJournals } from "../journal.ts";
import type { Outcome, Scenario } from "../scenario.ts";

/** The file is deleted under running processes: nothing that is lost with it may be acknowledged. */
export const deleted: Scenario = {
  name: "deleted",
  title: "the file deleted under running processes",
  hindrance: () => (process.platform === "win32" ? "Windows keeps open files." : undefined),
  async run(ms): Promise<Outcome> {
    const end = performance.now() + ms;
    const problems: string[] = [];
    let faults = 0;
    do {
      await using crew = new Crew();
      crew.start("publisher");
      crew.start("publisher");
      await sleep(800);
      for (const suffix of ["", "-wal", "-shm"]) rmSync(`${crew.path}${suffix}`, { force: true });
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
      if (late.length > 0) problems.push(`${late.length} events were acknowledged after that.`);
      const refused = entries.filter(({ kind, at }) => kind === "refused" && at > gone);
      if (refused.length === 0) problems.push("Nothing was refused after that.");
      if (!entries.some(({ kind }) => kind === "sent")) problems.push("Nothing was sent before.");
    } while (performance.now() < end);
    return { faults, problems };
  },
};
