import { copyFileSync, renameSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Crew } from "../crew.ts";
import { type Entry, monotonicMicros, readJournals } from "../journal.ts";
import { between, type Outcome, pick, type Scenario } from "../scenario.ts";

/** What is done to the index of the log while processes have it open. */
const DEEDS: readonly ((index: string) => void)[] = [
  (index) => rmSync(index),
  (index) => renameSync(index, `${index}.old`),
  (index) => {
    copyFileSync(index, `${index}.new`);
    renameSync(`${index}.new`, index);
  },
];
/** How long until everybody must have noticed. A consumer that waits looks every 5 s, on a machine that lets it. */
const NOTICED_MS = 10_000;

/**
 * The index of the log goes away under running processes. They must store nothing more, and end as they like: those who
 * come after them have another index, and lose nothing.
 */
export const indexDeleted: Scenario = {
  name: "index-deleted",
  title: "the index of the log (-shm) deleted, moved or replaced under running processes",
  hindrance: () => (process.platform === "win32" ? "Windows keeps open files." : undefined),
  async run(ms): Promise<Outcome> {
    await using crew = new Crew();
    const end = performance.now() + ms;
    const problems: string[] = [];
    let faults = 0;
    hire(crew);
    await crew.ready();
    do {
      await sleep(between(20, 300));
      const before = crew.hands;
      const known = users(crew);
      pick(DEEDS)?.(`${crew.path}-shm`);
      const gone = monotonicMicros();
      faults += 1;
      // Or it is one of those before that makes the new one, as it opens the file again.
      if (Math.random() < 0.7) hire(crew);
      const late = await notNoticed(crew, known, gone);
      if (late !== undefined) problems.push(late);
      for (const hand of before) {
        if (Math.random() < 0.3) await crew.kill(hand);
        else await crew.dismiss(hand);
      }
      if (crew.hands.length === 0) hire(crew);
      await crew.ready();
    } while (performance.now() < end);
    return { faults, verdict: await crew.finish(), problems };
  },
};

function hire(crew: Crew): void {
  for (const role of ["publisher", "consumer"] as const) {
    crew.start(role);
    crew.start(role);
  }
}

/** Those who have written to the file, and may still be there. */
function users({ journals }: Crew): Set<string> {
  const said = readJournals(journals).filter(({ kind }) => kind === "sent" || kind === "settled");
  const ended = new Set(
    readJournals(journals).flatMap((entry) => (isNotice(entry) ? entry.by : [])),
  );
  return new Set(said.flatMap(({ by }) => (ended.has(by) ? [] : by)));
}

/** Waits until they all were refused since then; says so when that takes too long. */
async function notNoticed(
  { journals }: Crew,
  users: ReadonlySet<string>,
  since: number,
): Promise<string | undefined> {
  const deadline = performance.now() + NOTICED_MS;
  for (;;) {
    const notices = readJournals(journals).filter((entry) => isNotice(entry) && entry.at > since);
    const aware = new Set(notices.map(({ by }) => by));
    const unaware = [...users].filter((by) => !aware.has(by));
    if (unaware.length === 0) return undefined;
    if (performance.now() > deadline) {
      return `${unaware.join(", ")} did not notice that their index was gone.`;
    }
    await sleep(50);
  }
}

function isNotice(entry: Entry): boolean {
  return entry.kind === "refused" && entry.code === "WAL_UNLINKED";
}
