import { readFileSync } from "node:fs";
import { SERVER, SlowProxy } from "test-servers";
import { Random } from "../bridge/random.ts";
import { readJournals } from "../journal.ts";
import { journalsIn, KeyedCrew, remainsIn } from "../keyed/crew.ts";
import { KEYED_FAULTS, type KeyedFault, keyedPlan, type KeyedPlan } from "../keyed/plan.ts";
import { type KeyedRemains, readKeyedRemains } from "../keyed/remains.ts";
import type { Entry } from "../keyed/said.ts";
import { openQueue } from "../keyed/open-queue.ts";
import { KeyedServers } from "../keyed/servers.ts";
import { KeyedTorturer } from "../keyed/torturer.ts";
import { judgeKeys, type KeyedVerdict } from "../keyed/verdict.ts";
import type { Outcome, RunOptions, Scenario } from "../scenario.ts";

const MOST_SEED = 2 ** 31;
const MOST_SENTENCES = 5;
const STREAM = "keys";
const GROUP = "workers";
const MAX_BACKLOG = 300;

/** Events with keys on NATS, and a group whose members come and go by every way. */
export const keys: Scenario = {
  name: "keys",
  title: "events with keys, and members and servers that come and go",
  queues: ["nats"],
  hindrance: () => {
    if (process.platform === "win32") return "Windows has no SIGSTOP.";
    return SERVER === true ? undefined : SERVER;
  },
  async run(ms, options = {}): Promise<Outcome> {
    if (options.journals !== undefined) return judgeAgain(options.journals);
    const { seed = Math.floor(Math.random() * MOST_SEED) } = options;
    const random = new Random(seed);
    const plan = keyedPlan(random, faultsOf(options));
    await using servers = await KeyedServers.start(plan.copies);
    await using crew = new KeyedCrew();
    const own = { servers: servers.urls, stream: STREAM, replicas: plan.copies };
    await using queue = await openQueue(own);
    const { maxAttempts } = plan;
    const [{ leaseMs } = { leaseMs: 1_000 }] = plan.consumers;
    await queue.group(GROUP, { from: "beginning", leaseMs, maxAttempts }).ensure();
    const { latencyMs } = plan;
    await using proxy = latencyMs > 0 ? await SlowProxy.to(servers.port, latencyMs) : undefined;
    const way = proxy === undefined ? servers.urls : [proxy.url];
    startAll({ crew, plan, random, urls: { servers: servers.urls, way } });
    await crew.ready();
    const parts = { crew, plan, random, servers, proxy, queue, stream: STREAM, group: GROUP };
    const torturer = new KeyedTorturer(parts);
    await torturer.torture(ms);
    await torturer.calm();
    const remains = await readKeyedRemains(queue, GROUP, { maxAttempts, leaseMs });
    await torturer.end();
    const verdict = judgeKeys(crew.entries(), remains);
    const problems = [...torturer.problems, ...sentencesOf(verdict)];
    const kept =
      problems.length > 0 ? [`The journals are in ${crew.keep(remains, servers.folder)}.`] : [];
    const notes = [`seed ${seed}: ${shown(plan)}`, ...verdict.notes, ...kept];
    return { faults: torturer.faults, problems, notes };
  },
};

function startAll({
  crew,
  plan,
  random,
  urls,
}: {
  readonly crew: KeyedCrew;
  readonly plan: KeyedPlan;
  readonly random: Random;
  /** Of the servers, and of the way to them that consumers take. */
  readonly urls: { readonly servers: string[]; readonly way: string[] };
}): void {
  const { keys: count, plainShare, perSecond, slowMs, publishers, consumers, maxAttempts } = plan;
  for (let n = 0; n < publishers; n += 1) {
    const own = { seed: random.between(0, MOST_SEED), perSecond: perSecond / publishers };
    const load = { keys: count, plainShare, slowMs, maxBacklog: MAX_BACKLOG };
    crew.start({
      role: "publisher",
      options: { urls: urls.servers, stream: STREAM, ...load, ...own },
    });
  }
  for (const consumer of consumers) {
    const options = { urls: urls.way, stream: STREAM, ...consumer, group: GROUP, maxAttempts };
    crew.start({ role: "consumer", options });
  }
}

/** Of a run whose journals were kept. */
function judgeAgain(folder: string): Outcome {
  const remains = JSON.parse(readFileSync(remainsIn(folder), "utf8")) as KeyedRemains;
  const verdict = judgeKeys(readJournals<Entry>(journalsIn(folder)), remains);
  return { faults: 0, problems: sentencesOf(verdict), notes: verdict.notes };
}

function faultsOf({ faults = [] }: RunOptions): readonly KeyedFault[] | undefined {
  if (faults.length === 0) return undefined;
  return faults.map((name) => {
    const found = KEYED_FAULTS.find((fault) => fault === name);
    if (found !== undefined) return found;
    throw new Error(`There is no fault "${name}". Choose of ${KEYED_FAULTS.join(", ")}.`);
  });
}

function shown({ faults, consumers, publishers, keys: count, perSecond }: KeyedPlan): string {
  const members = consumers.map(
    ({ style, concurrency, prefetch = "any", leaseMs }) =>
      `${style} ${concurrency}+${prefetch} for ${leaseMs} ms`,
  );
  return `${faults.join(", ")}; ${count} keys, ${perSecond} events a second of ${publishers}; ${members.join(", ")}`;
}

function sentencesOf({ broken }: KeyedVerdict): string[] {
  return Object.entries(broken).flatMap(([rule, sentences]) => {
    const few = sentences.slice(0, MOST_SENTENCES).map((sentence) => `${rule}: ${sentence}`);
    const hidden = sentences.length - few.length;
    return hidden > 0 ? few.concat(`${rule}: ${hidden} more.`) : few;
  });
}
