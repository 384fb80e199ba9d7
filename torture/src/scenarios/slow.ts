import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { Crew } from "../crew.ts";
import type { Outcome, Scenario } from "../scenario.ts";

const MAX_BACKLOG = 200;
/** Two publishers may each send for as long as a measurement counts. */
const SLACK = 2_000;
const MOST_RSS_MIB = 150;
const PAGE_BYTES = 4096;

/** A consumer ten times slower than its publishers: they wait, and nothing piles up. */
export const slow: Scenario = {
  name: "slow",
  title: "a consumer that can't follow",
  hindrance: () => (process.platform === "linux" ? undefined : "It reads /proc."),
  async run(ms): Promise<Outcome> {
    await using crew = new Crew({ pauseMs: 0, workMs: 5, maxBacklog: MAX_BACKLOG });
    await using queue = new CrossProcessEventQueue(crew.path);
    await queue.group("workers", { from: "beginning", maxAttempts: 1000 }).ensure();
    for (const role of ["publisher", "publisher", "consumer"] as const) crew.start(role);
    const end = performance.now() + ms;
    const problems: string[] = [];
    let [faults, mostPending, mostRss] = [0, 0, 0];
    while (performance.now() < end) {
      await sleep(50);
      const [group] = await queue.groups.list();
      if (group === undefined) continue;
      mostPending = Math.max(mostPending, group.pending);
      if (group.pending >= MAX_BACKLOG) faults += 1;
      for (const { process: hand } of crew.hands) mostRss = Math.max(mostRss, rssOf(hand.pid));
    }
    if (mostPending > MAX_BACKLOG + SLACK) problems.push(`${mostPending} events piled up.`);
    if (mostRss > MOST_RSS_MIB) problems.push(`A process grew to ${Math.round(mostRss)} MiB.`);
    return { faults, verdict: await crew.finish(), problems };
  },
};

/** In MiB. */
function rssOf(pid: number | undefined): number {
  try {
    const [, pages] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return (Number(pages) * PAGE_BYTES) / 2 ** 20;
  } catch {
    return 0;
  }
}
