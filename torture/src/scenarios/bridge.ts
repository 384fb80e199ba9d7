import { BridgeCrew } from "../bridge/crew.ts";
import { type BugName, bugNames, bugsToLookFor, isBugName } from "../bridge/known-bugs.ts";
import { Plan } from "../bridge/plan.ts";
import { onTwoFiles, postsFor } from "../bridge/posts.ts";
import { Random } from "../bridge/random.ts";
import { readRemains } from "../bridge/remains.ts";
import { Torturer } from "../bridge/torturer.ts";
import { type BridgeVerdict, judgeBridge } from "../bridge/verdict.ts";
import { SERVER } from "test-servers";
import type { Outcome, QueueKind, RunOptions, Scenario } from "../scenario.ts";

/** Each lease is renewed, and each event acked, by a message to the server: on a machine that is busy these take longer. */
const LEASE_MS: Readonly<Record<QueueKind, number>> = { files: 700, nats: 2000 };
/** A shorter run is a smoke pass: few processes, and a short rest. */
const SMOKE_MS = 10_000;
const MOST_SEED = 2 ** 31;
const MOST_SENTENCES = 5;

/** Coordinators in several processes and threads on one queue: buses, work groups, and children of both. */
export const bridge: Scenario = {
  name: "bridge",
  title: "coordinators that are killed, frozen, stopped and restarted",
  weight: 2,
  queues: ["files", "nats"],
  hindrance: (queue) => {
    if (process.platform === "win32") return "Windows has no SIGSTOP.";
    return queue === "nats" && SERVER !== true ? SERVER : undefined;
  },
  async run(ms, options = {}): Promise<Outcome> {
    const { seed = Math.floor(Math.random() * MOST_SEED), queue: kind = "files" } = options;
    const isSmoke = ms <= SMOKE_MS;
    const random = new Random(seed);
    const leaseMs = LEASE_MS[kind];
    const bugs = bugsToLookFor(askedFor(options));
    const plain = postsFor(random, isSmoke);
    const posts = random.chance(0.5) ? onTwoFiles(plain) : plain;
    const count = posts.some(({ joins }) => joins) ? 2 : 1;
    await using crew = await BridgeCrew.open({ leaseMs, bugs: [...bugs], count, kind });
    const plan = new Plan({ random, bugs, leaseMs });
    const restMs = isSmoke ? 400 : 2000;
    const torturer = new Torturer({ crew, plan, random, posts, restMs });
    await torturer.begin();
    await torturer.torture(ms);
    await torturer.rest();
    await torturer.end();
    const entries = crew.entries();
    const all = await Promise.all(crew.queues.map((queue) => readRemains(queue)));
    const verdicts = all.map((remains, file) => {
      const here = new Set(posts.flatMap((post) => ((post.file ?? 0) === file ? [post.name] : [])));
      const isHere = (by: string): boolean => here.has(by.split(".")[0] ?? by);
      return judgeBridge(entries, remains, { bugs, isHere });
    });
    const gots = entries.filter(({ kind }) => kind === "got").length;
    const problems = [
      ...torturer.problems,
      ...new Set(verdicts.flatMap((verdict) => sentencesOf(verdict))),
    ];
    const looked = bugs.size > 0 ? `, looked for ${[...bugs].join(", ")}` : "";
    const note = `seed ${seed}: ${posts.length} processes, ${count} queue(s) in ${kind}, ${all[0]?.rows.length} events, ${gots} deliveries to buses${looked}`;
    const kept = problems.length > 0 ? [`The journals are in ${crew.keep()}.`] : [];
    return { faults: torturer.faults, problems, notes: [note, ...kept] };
  },
};

function askedFor({ all = false, bugs = [] }: RunOptions): readonly BugName[] {
  for (const name of bugs) {
    if (isBugName(name)) continue;
    throw new Error(`There is no known bug "${name}". Choose of ${bugNames.join(", ")}.`);
  }
  return all ? bugNames : bugs.filter((name) => isBugName(name));
}

function sentencesOf(verdict: BridgeVerdict): string[] {
  return Object.entries(verdict).flatMap(([rule, broken]) => {
    const shown = broken.slice(0, MOST_SENTENCES).map((sentence) => `${rule}: ${sentence}`);
    const hidden = broken.length - shown.length;
    return hidden > 0 ? shown.concat(`${rule}: ${hidden} more.`) : shown;
  });
}
