import { setTimeout as sleep } from "node:timers/promises";
import { CrossProcessEventQueue, type Survives } from "@ringrift/cross-process-queue";
import Database from "better-sqlite3";
import { allEvents, Crew } from "../crew.ts";
import { readJournals } from "../journal.ts";
import { between, type Outcome, type Scenario } from "../scenario.ts";
import { compileSyncedDisk, hindranceToSyncedDisk, SyncedDisk } from "../synced-disk.ts";

/** The log is taken into the database, and begun anew, again and again. */
const FEW_PAGES = 60;
/** Nothing is synced on the way. */
const MANY_PAGES = 100_000;
const FEWEST = 50;

/**
 * Publishers at full speed until the power is cut: everything is gone that was written and not synced. What was
 * acknowledged as surviving that is there; what was only to survive the end of the process is not, which shows that
 * this disk does forget.
 */
export const powerCut: Scenario = {
  name: "power-cut",
  title: "power cuts",
  hindrance: hindranceToSyncedDisk,
  async run(ms): Promise<Outcome> {
    await using workshop = new Crew();
    const library = compileSyncedDisk(workshop.folder);
    const problems: string[] = [];
    let [faults, acknowledged, forgotten] = [0, 0, 0];
    const end = performance.now() + ms;
    do {
      const hasty = await cutPower(library, "process-crash", MANY_PAGES);
      problems.push(...hasty.problems);
      forgotten += hasty.lost;
      for (let round = 0; round < 3; round += 1) {
        const cut = await cutPower(library, "power-loss", FEW_PAGES);
        problems.push(...cut.problems);
        if (cut.lost > 0) problems.push(`${cut.lost} of ${cut.acknowledged} events were lost.`);
        acknowledged += cut.acknowledged;
        faults += 1;
      }
    } while (performance.now() < end);
    if (forgotten === 0)
      problems.push("Nothing was lost with process-crash: this is no power cut.");
    const notes = [
      `${acknowledged} acknowledged with power-loss, with process-crash ${forgotten} lost`,
    ];
    return { faults, problems, notes };
  },
};

interface Cut {
  readonly acknowledged: number;
  readonly lost: number;
  readonly problems: readonly string[];
}

async function cutPower(library: string, survives: Survives, pages: number): Promise<Cut> {
  await using crew = new Crew({ survives, checkpointPages: pages, pauseMs: 0 });
  const disk = new SyncedDisk(library, crew.path);
  for (const outstanding of [1, 8]) {
    crew.start("publisher", { environment: disk.environment, settings: { outstanding } });
  }
  await crew.sent(FEWEST);
  await sleep(between(200, 500));
  await Promise.all(crew.hands.map((hand) => crew.kill(hand)));
  const told = readJournals(crew.journals).flatMap((entry) =>
    entry.kind === "sent" ? entry.id : [],
  );
  const after = disk.cut();
  await using queue = new CrossProcessEventQueue(after);
  const events = await allEvents(queue);
  const there = new Set(events.map(({ id }) => id));
  const problems: string[] = [];
  if (events.some(({ position }, index) => position !== index + 1)) {
    problems.push("The log has a hole.");
  }
  const database = new Database(after);
  const integrity: unknown = database.pragma("integrity_check", { simple: true });
  database.close();
  if (integrity !== "ok") problems.push(`The database is damaged: ${String(integrity)}.`);
  return {
    acknowledged: told.length,
    lost: told.filter((id) => !there.has(id)).length,
    problems,
  };
}
