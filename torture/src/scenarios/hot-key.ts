import { setTimeout as sleep } from "node:timers/promises";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { Crew, GROUP } from "../crew.ts";
import { HOT_KEY } from "../hot-key.ts";
import { monotonicMicros, readJournals } from "../journal.ts";
import type { Outcome, Scenario } from "../scenario.ts";

const MOST_HOT = 100_000;
/** Also in a run of a few seconds more than a group should stop at. */
const FEWEST_HOT = 12_000;
const HOT_PER_SECOND = 2_000;
const AT_ONCE = 1_000;
const PATIENCE_MS = 30_000;

/** Many events of one key behind one that always fails: events of other keys arrive as fast as without them. */
export const hotKey: Scenario = {
  name: "hot-key",
  title: "many events of one key behind one that fails",
  async run(ms): Promise<Outcome> {
    await using crew = new Crew({ survives: "process-crash", pauseMs: 5 });
    await using queue = new CrossProcessEventQueue(crew.path, { survives: "process-crash" });
    for (const role of ["publisher", "worker", "worker"] as const) crew.start(role);
    await crew.ready();
    await crew.sent(20);
    const usual = await latencies(crew, ms / 2);
    const count = Math.min(MOST_HOT, FEWEST_HOT + Math.round((HOT_PER_SECOND * ms) / 1_000));
    const last = await sendHot(queue, count);
    if (!(await isPassed(queue, last))) {
      return { faults: count, problems: [`The group stopped at the events of the hot key.`] };
    }
    const hot = await latencies(crew, ms / 2);
    return { faults: count, problems: slowed(usual, hot), notes: [`${show(usual)}; ${show(hot)}`] };
  },
};

/** Sends events of the hot key; the position of the last one. */
async function sendHot(queue: CrossProcessEventQueue, count: number): Promise<number> {
  let last = 0;
  for (let sent = 0; sent < count; sent += AT_ONCE) {
    const events = Array.from({ length: Math.min(AT_ONCE, count - sent) }, () => ({
      type: "TICK",
      payload: {},
      key: HOT_KEY,
    }));
    last = (await queue.sendMany(events)).at(-1)?.position ?? last;
  }
  return last;
}

async function isPassed(queue: CrossProcessEventQueue, position: number): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const groups = await queue.groups.list();
    if (groups.some(({ name, cursor }) => name === GROUP && cursor >= position)) return true;
    await sleep(20);
  }
  return false;
}

/** How long the events took that are sent within so many milliseconds, ascending, in ms; infinite for one that didn't arrive. */
async function latencies(crew: Crew, ms: number): Promise<number[]> {
  const from = monotonicMicros();
  await sleep(ms);
  const to = monotonicMicros();
  // The last of them arrive.
  await sleep(1_000);
  const entries = readJournals(crew.journals);
  const begun = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === "begin") begun.set(`${entry.from} ${entry.n}`, entry.at);
  }
  return entries
    .flatMap((entry) => {
      if (entry.kind !== "attempt" || entry.at < from || entry.at >= to) return [];
      const at = begun.get(`${entry.by} ${entry.n}`) ?? Number.POSITIVE_INFINITY;
      return [(at - entry.at) / 1_000];
    })
    .toSorted((one, other) => one - other);
}

function slowed(usual: readonly number[], hot: readonly number[]): string[] {
  const problems: string[] = [];
  if (hot.length === 0) problems.push("Nothing was sent besides the hot key.");
  if (quantile(hot, 0.5) > 3 * quantile(usual, 0.5) + 5) {
    problems.push(`Half of the others took longer: ${show(hot)}, and ${show(usual)} without.`);
  }
  if (quantile(hot, 0.99) > 5 * quantile(usual, 0.99) + 100) {
    problems.push(`Some of the others took longer: ${show(hot)}, and ${show(usual)} without.`);
  }
  return problems;
}

function quantile(ascending: readonly number[], share: number): number {
  return ascending[Math.floor((ascending.length - 1) * share)] ?? Number.POSITIVE_INFINITY;
}

function show(ascending: readonly number[]): string {
  const [half, most] = [0.5, 0.99].map((share) => quantile(ascending, share).toFixed(1));
  return `${ascending.length} events took ${half} ms, 99 % of them ${most} ms or less`;
}
