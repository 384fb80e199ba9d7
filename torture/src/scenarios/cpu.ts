import { setTimeout as sleep } from "node:timers/promises";
import { Crew } from "../crew.ts";
import { type Entry, readJournals } from "../journal.ts";
import type { Outcome, Scenario } from "../scenario.ts";

const LEASE_MS = 1_000;
/** So many slow handlers come in a row that they take longer together than a lease. */
const SLOW_MS = 150;
/** Whoever says nothing for so long, while it works, may have lost its leases: the machine had no time for it. */
const STALL_MS = 600;

/** Handlers that keep the processor, and become slow now and then: in two live processes nothing runs twice. */
export const cpu: Scenario = {
  name: "cpu",
  title: "handlers that don't yield, and become slow",
  async run(ms): Promise<Outcome> {
    await using crew = new Crew({
      keys: 0,
      outstanding: 50,
      pauseMs: 0,
      maxBacklog: 1_000,
      leaseMs: LEASE_MS,
      slowMs: SLOW_MS,
      survives: "process-crash",
    });
    for (const role of ["publisher", "worker", "worker"] as const) crew.start(role);
    await crew.ready();
    await sleep(ms);
    const verdict = await crew.finish();
    const entries = readJournals(crew.journals);
    return { faults: slowOnes(entries), verdict, problems: runTwice(entries) };
  },
};

function slowOnes(entries: readonly Entry[]): number {
  return spans(entries).filter(({ begun, end }) => end - begun >= SLOW_MS * 1_000).length;
}

/** Events that ran twice though nobody stood still for long enough to lose a lease. */
function runTwice(entries: readonly Entry[]): string[] {
  const stalls = stallsOf(entries);
  const runs = Map.groupBy(spans(entries), ({ id }) => id);
  return [...runs.values()].flatMap(([first, again]) => {
    if (first === undefined || again === undefined) return [];
    const isExcused = stalls.some(
      ({ from, to }) => from <= again.begun && to >= first.begun - LEASE_MS * 1_000,
    );
    const apart = Math.round((again.begun - first.begun) / 1_000);
    return isExcused
      ? []
      : [`Event ${first.n} ran in ${first.by}, and ${apart} ms later in ${again.by}.`];
  });
}

/** What ran when, in microseconds. */
function spans(entries: readonly Entry[]) {
  const ends = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === "acking") ends.set(`${entry.by} ${entry.id}`, entry.at);
  }
  return entries.flatMap((entry) => {
    if (entry.kind !== "begin") return [];
    const { id, n, by, at } = entry;
    return [{ id, n, by, begun: at, end: ends.get(`${by} ${id}`) ?? at }];
  });
}

/** When a worker said nothing for long. */
function stallsOf(entries: readonly Entry[]): { readonly from: number; readonly to: number }[] {
  const workers = Map.groupBy(
    entries.filter(({ by }) => by.startsWith("worker")),
    ({ by }) => by,
  );
  return [...workers.values()].flatMap((said) =>
    said.flatMap(({ at }, index) => {
      const from = said[index - 1]?.at ?? at;
      return at - from > STALL_MS * 1_000 ? [{ from, to: at }] : [];
    }),
  );
}
