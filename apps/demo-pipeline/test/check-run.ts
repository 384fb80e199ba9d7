import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { GroupInfo, StoredEvent } from "@ringrift/event-queue";

/** A line of a ledger, as this check reads it. */
interface Line {
  node: string;
  id: string;
  topic: string;
  group: string;
  outcome: string;
  redelivered: boolean;
  effectKey?: string;
}

/** What a run left behind, judged by this check's own lights: nothing here is shared with proof.ts. */
export interface Findings {
  readonly events: number;
  readonly redelivered: number;
  readonly promotions: number;
  readonly rejections: number;
  readonly problems: readonly string[];
}

const GROUPS: Record<string, readonly string[]> = {
  schedule: ["TRAINING_STARTED"],
  selfplay: ["SELFPLAY_REQUESTED"],
  syncing: ["NEW_GAMES_AVAILABLE"],
  training: ["DATA_SYNC_COMPLETED", "MODEL_PROMOTED", "PROMOTION_REJECTED"],
  evaluation: ["TRAINING_COMPLETED"],
  promotion: ["EVALUATION_COMPLETED"],
  rating: ["RATING_REQUESTED"],
};

/** Repeat the demo's proof from its ledgers and its queue file. */
export async function checkRun(folder: string): Promise<Findings> {
  const problems: string[] = [];
  const lines = readdirSync(join(folder, "ledgers")).flatMap((name) =>
    readFileSync(join(folder, "ledgers", name), "utf8")
      .split("\n")
      .filter((text) => text.endsWith("}"))
      .map((text) => Object.assign(JSON.parse(text) as Line, { node: name.replace(".jsonl", "") })),
  );
  const { log, groups, dead } = await readQueue(join(folder, "events.db"));
  const count = (type: string): number => log.filter((event) => event.type === type).length;

  if (new Set(log.map(({ id }) => id)).size !== log.length) problems.push("an id is stored twice");
  if (dead > 0) problems.push(`${dead} dead letters`);
  for (const { name, pending } of groups)
    if (pending > 0) problems.push(`${name} has ${pending} pending`);

  for (const [group, types] of Object.entries(GROUPS)) {
    const eligible = log.filter(({ type }) => types.includes(type)).map(({ id }) => id);
    const own = lines.filter((line) => line.group === group && line.outcome !== "failed");
    const handled = [...new Set(own.map(({ id }) => id))];
    if (eligible.toSorted().join() !== handled.toSorted().join()) {
      problems.push(`${group}: ${eligible.length} eligible, ${handled.length} handled`);
    }
  }

  const nodes = [...new Set(lines.map(({ node }) => node))];
  if (nodes.length !== 7) problems.push(`${nodes.length} ledgers instead of 7`);
  for (const node of nodes) {
    const seen = lines.filter((line) => line.group === node && line.outcome === "seen");
    const ids = new Set(seen.map(({ id }) => id));
    const missing = log.filter(({ id }) => !ids.has(id)).length;
    if (missing > 0) problems.push(`${node} has not seen ${missing} events`);
    const once = seen.filter(({ redelivered }) => !redelivered).map(({ id }) => id);
    if (new Set(once).size !== once.length) problems.push(`${node} has seen an event twice`);
  }

  const applied = lines
    .filter(({ outcome }) => outcome === "applied")
    .map(({ effectKey }) => effectKey);
  if (new Set(applied).size !== applied.length) problems.push("an effect happened twice");
  if (applied.length === 0) problems.push("no effect at all");
  const games = readdirSync(join(folder, "games")).length;
  for (const type of ["SELFPLAY_REQUESTED", "NEW_GAMES_AVAILABLE", "DATA_SYNC_COMPLETED"]) {
    if (count(type) !== games) problems.push(`${count(type)} × ${type} for ${games} game files`);
  }
  for (const name of readdirSync(join(folder, "models"))) {
    const hash = createHash("sha256").update(readFileSync(join(folder, "models", name)));
    if (`${hash.digest("hex")}.model` !== name) problems.push(`model ${name} is not its name`);
  }

  return {
    events: log.length,
    redelivered: lines.filter(({ redelivered }) => redelivered).length,
    promotions: count("MODEL_PROMOTED"),
    rejections: count("PROMOTION_REJECTED"),
    problems,
  };
}

async function readQueue(
  path: string,
): Promise<{ log: StoredEvent[]; groups: GroupInfo[]; dead: number }> {
  await using queue = new CrossProcessEventQueue(path);
  return {
    log: await queue.history({ limit: 100_000 }),
    groups: await queue.groups.list(),
    dead: (await queue.deadLetters.list()).length,
  };
}
