import { readdirSync } from "node:fs";
import type { CoordinatorStats, Direction, DropReason } from "@ringrift/coordinator";
import type { StoredEvent } from "@ringrift/event-queue";
import { queueName } from "../catalogue.ts";
import type { DemoTopic, RatingCompleted } from "../catalogue.ts";
import { fitRatings, naiveSum } from "../game/index.ts";
import type { Rating } from "../game/index.ts";
import type { NodeEntry } from "../ledger.ts";
import type { Check, Evidence } from "../proof.ts";
import type { RunFolder } from "../run-folder.ts";
import type { ChampionRecord } from "../schedule.ts";
import { championName } from "../schedule.ts";
import type { RunSettings } from "../stages/context.ts";
import type { Restart } from "../supervisor.ts";

/** Median, 99th percentile and maximum, in ms. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A gate as the report lists it. */
export interface GateRow {
  readonly generation: number;
  readonly modelId: string;
  readonly verdict: string;
  readonly pairs: number;
  readonly score: number;
  readonly llr: number;
  readonly drill: boolean;
}

/** What a node counted, summed over its processes. */
export interface NodeStats {
  readonly node: string;
  readonly forwarded: Readonly<Record<Direction, number>>;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Its own events that came back from the queue. */
  readonly own: number;
}

/** What the pipeline tracker saw on the launcher's bus. */
export interface StageSteps {
  readonly steps: number;
  /** Steps that the order of the stages doesn't allow, in words. */
  readonly illegal: readonly string[];
}

/** Everything the closing report says; `report.json` in the run folder. */
export interface Report {
  readonly run: RunSettings;
  readonly seconds: { readonly play: number; readonly total: number };
  readonly events: {
    readonly total: number;
    readonly byTopic: Readonly<Record<string, number>>;
    readonly byNode: readonly NodeStats[];
  };
  readonly latency: {
    /** Created in one process until it came by on another one's bus. */
    readonly seen: Latency;
    /** Created in one process until a work handler began in another, jobs in a waiting line left out. */
    readonly worked: Latency;
  };
  readonly games: {
    readonly selfPlay: number;
    readonly gate: number;
    readonly perSecond: number;
  };
  readonly gates: readonly GateRow[];
  readonly promotions: number;
  readonly rejections: number;
  readonly restarts: readonly Restart[];
  readonly champion: ChampionRecord;
  readonly elo: {
    /** Bradley–Terry over the meetings of this run, generation 0 pinned at 0. */
    readonly ratings: readonly Rating[];
    /** Sum of the promoted candidates' gate estimates: what the usual plot would show. Misleading. */
    readonly naiveSum: number;
  };
  readonly checks: readonly Check[];
  readonly ok: boolean;
}

/** Work whose events wait in line for a worker: their pick-up time says nothing of the buses. */
const QUEUED_WORK = new Set(["selfplay.requested", "rating.requested"]);

/** Put the report together from the log and the ledgers. */
export function summarise(
  run: RunSettings,
  folder: RunFolder,
  evidence: Evidence,
  more: {
    readonly checks: readonly Check[];
    readonly seconds: { readonly play: number; readonly total: number };
    readonly restarts: readonly Restart[];
    readonly stages: StageSteps;
  },
): Report {
  const { log, ledgers } = evidence;
  const gates = gateRows(log, run);
  const promoted = payloads<{ modelId: string; iteration: number }>(log, "model.promoted");
  const last = promoted.at(-1);
  const champion: ChampionRecord =
    last === undefined
      ? { generation: 0, modelId: run.firstModelId }
      : { generation: last.iteration, modelId: last.modelId };
  const selfPlay = payloads<{ count: number }>(log, "data.new_games").reduce(
    (sum, { count }) => sum + count,
    0,
  );
  const ratings = rate(log, run.seed);
  const checks = [...more.checks, checkSteps(more.stages), checkChampion(champion, ratings)];
  return {
    run,
    seconds: more.seconds,
    events: { total: log.length, byTopic: countTopics(ledgers), byNode: nodeStats(folder) },
    latency: {
      seen: latency(ledgers.filter(({ outcome, remote }) => outcome === "seen" && remote)),
      worked: latency(
        ledgers.filter(
          ({ outcome, remote, topic }) => outcome !== "seen" && remote && !QUEUED_WORK.has(topic),
        ),
      ),
    },
    games: {
      selfPlay,
      gate: gates.reduce((sum, { pairs }) => sum + 2 * pairs, 0),
      perSecond: selfPlay / Math.max(0.001, more.seconds.play),
    },
    gates,
    promotions: promoted.length,
    rejections: payloads(log, "promotion.rejected").length,
    restarts: more.restarts,
    champion,
    elo: {
      ratings,
      naiveSum: naiveSum(gates.filter(({ verdict }) => verdict === "passed")),
    },
    checks,
    ok: checks.every(({ ok }) => ok),
  };
}

function checkSteps({ steps, illegal }: StageSteps): Check {
  return {
    name: "the stages followed one another as the pipeline says",
    ok: steps > 0 && illegal.length === 0,
    detail: `${steps} steps, ${illegal.length} illegal${illegal[0] === undefined ? "" : `: ${illegal[0]}`}`,
  };
}

/** Fit the ratings from the meetings that were played. */
function rate(log: readonly StoredEvent[], seed: string): Rating[] {
  const tables = payloads<RatingCompleted>(log, "rating.completed").map(
    ({ a, b, none, one, both }) => ({ a, b, pairs: [none, one, both] as const }),
  );
  return fitRatings(tables, { pinned: new Map([[championName(0), 0]]), seed });
}

function checkChampion({ generation }: ChampionRecord, ratings: readonly Rating[]): Check {
  const rating = ratings.find(({ player }) => player === championName(generation));
  const found = rating !== undefined && generation > 0;
  return {
    name: "the last champion is stronger than generation 0",
    ok: found && rating.low > 0,
    detail: found
      ? `generation ${generation}: ${describeRating(rating)} Elo`
      : `generation ${generation} has no rating above generation 0`,
  };
}

/** A rating with its interval, rounded. */
export function describeRating({ elo, low, high }: Rating): string {
  const signed = `${elo >= 0 ? "+" : ""}${Math.round(elo)}`;
  return `${signed} [${Math.round(low)}, ${Math.round(high)}]`;
}

function gateRows(log: readonly StoredEvent[], { preset }: RunSettings): GateRow[] {
  return payloads<{
    iteration: number;
    modelId: string;
    games: number;
    winRate: number;
    llr: number;
    passed: boolean;
  }>(log, "evaluation.completed").map(({ iteration, modelId, games, winRate, llr, passed }) => ({
    generation: iteration,
    modelId,
    verdict: passed ? "passed" : llr <= -Math.log(19) ? "failed" : "inconclusive",
    pairs: games / 2,
    score: winRate,
    llr,
    drill: iteration === preset.drillGeneration,
  }));
}

function latency(lines: readonly NodeEntry[]): Latency {
  const first = lines.filter(({ redelivered }) => !redelivered);
  const waits = first.map(({ time, startedAt }) => startedAt - time).toSorted((a, b) => a - b);
  const at = (share: number): number =>
    waits[Math.min(waits.length - 1, Math.floor(share * waits.length))] ?? 0;
  return { count: waits.length, p50: at(0.5), p99: at(0.99), max: waits.at(-1) ?? 0 };
}

function countTopics(ledgers: readonly NodeEntry[]): Record<string, number> {
  const ids = new Map<string, Set<string>>();
  for (const { outcome, topic, id } of ledgers) {
    if (outcome !== "seen") continue;
    const seen = ids.get(topic) ?? new Set();
    ids.set(topic, seen.add(id));
  }
  return Object.fromEntries(
    [...ids]
      .map(([topic, seen]) => [topic, seen.size] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function nodeStats(folder: RunFolder): NodeStats[] {
  const nodes = new Map<string, NodeStats>();
  for (const name of readdirSync(folder.at("stats")).toSorted()) {
    const stats = folder.readJson(`stats/${name}`) as CoordinatorStats & { node: string };
    const { node } = stats;
    const before = nodes.get(node);
    nodes.set(node, {
      node,
      forwarded: add(stats.forwarded, before?.forwarded),
      dropped: add(stats.dropped, before?.dropped),
      own: stats.own + (before?.own ?? 0),
    });
  }
  return [...nodes.values()];
}

function add<K extends string>(
  a: Readonly<Record<K, number>>,
  b: Readonly<Record<K, number>> | undefined,
): Record<K, number> {
  const sum: Record<K, number> = { ...a };
  if (b !== undefined) for (const key of Object.keys(b) as K[]) sum[key] += b[key];
  return sum;
}

function payloads<P = Record<string, unknown>>(log: readonly StoredEvent[], topic: DemoTopic): P[] {
  const type = queueName(topic);
  return log.filter((event) => event.type === type).map(({ payload }) => payload as P);
}
