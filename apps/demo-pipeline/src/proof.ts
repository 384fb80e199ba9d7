import type { DeadLetter, GroupInfo, StoredEvent } from "@ringrift/event-queue";
import { WORK_GROUPS, queueName } from "./catalogue.ts";
import type { DemoQueue, DemoTopic, FileRef, WorkGroup } from "./catalogue.ts";
import type { NodeEntry } from "./ledger.ts";
import { readLedgers } from "./ledger.ts";
import type { RunFolder } from "./run-folder.ts";
import { sha256 } from "./run-folder.ts";

/** One thing that was to be proved. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was counted, or what is wrong. */
  readonly detail: string;
}

/** What the checker reads. */
export interface Evidence {
  /** Every event of the run, in log order. */
  readonly log: readonly StoredEvent[];
  readonly groups: readonly GroupInfo[];
  readonly deadLetters: readonly DeadLetter[];
  readonly ledgers: readonly NodeEntry[];
  /** Nodes of the run, the launcher included. */
  readonly nodes: readonly string[];
  /** Nodes that died and were started again. */
  readonly restarted: ReadonlySet<string>;
}

/** What a run has to have reached. */
export interface Requirements {
  readonly promotions: number;
  readonly rejections: number;
  /** The generation whose candidate must be turned away, if the run got so far. */
  readonly drillGeneration: number;
}

/** Read a run's evidence through the queue's public API and from the ledgers. */
export async function gatherEvidence(
  queue: DemoQueue,
  folder: RunFolder,
  run: {
    readonly startPosition: number;
    readonly nodes: readonly string[];
    readonly restarted: ReadonlySet<string>;
  },
): Promise<Evidence> {
  const log: StoredEvent[] = [];
  for (let after = run.startPosition; ; after = log.at(-1)!.position) {
    const page = await queue.history({ after, limit: 1000 });
    log.push(...page);
    if (page.length < 1000) break;
  }
  return {
    log,
    groups: await queue.groups.list(),
    deadLetters: await queue.deadLetters.list({ limit: 1000 }),
    ledgers: readLedgers(folder),
    nodes: run.nodes,
    restarted: run.restarted,
  };
}

/** Check everything a run promises. Every check is made, also after one has failed. */
export function prove(evidence: Evidence, folder: RunFolder, required: Requirements): Check[] {
  return [
    ...Object.keys(WORK_GROUPS).map((group) => checkGroup(evidence, group as WorkGroup)),
    checkSightings(evidence),
    checkEchoes(evidence),
    checkEffects(evidence),
    checkJobs(evidence),
    checkGenerations(evidence),
    checkFiles(evidence, folder),
    checkOutcomes(evidence, required),
    checkDrill(evidence, required.drillGeneration),
  ];
}

/** Every event of the group's topics is handled, dead or pending; and nothing is pending at the end. */
function checkGroup({ log, groups, deadLetters, ledgers }: Evidence, group: WorkGroup): Check {
  const types = new Set<string>(WORK_GROUPS[group].map((topic) => queueName(topic)));
  const eligible = new Set(log.filter(({ type }) => types.has(type)).map(({ id }) => id));
  const lines = ledgers.filter((line) => line.group === group);
  const handled = new Set(lines.filter(({ outcome }) => outcome !== "failed").map(({ id }) => id));
  const dead = new Set(deadLetters.filter((letter) => letter.group === group).map(({ id }) => id));
  const pending = groups.find(({ name }) => name === group)?.pending;
  const lost = [...eligible].filter((id) => !handled.has(id) && !dead.has(id));
  const stray = [...handled].filter((id) => !eligible.has(id));
  const again = lines.filter(({ redelivered }) => redelivered).length;
  return {
    name: `group ${group}: nothing lost`,
    ok: lost.length === 0 && stray.length === 0 && dead.size === 0 && pending === 0,
    detail:
      `${eligible.size} eligible = ${handled.size} handled + ${dead.size} dead-lettered + ` +
      `${pending ?? "?"} pending; ${again} redelivered` +
      (lost.length > 0 ? `; LOST ${sample(lost)}` : "") +
      (stray.length > 0 ? `; never stored ${sample(stray)}` : ""),
  };
}

/**
 * Every node's bus has had every event of the log: as it is there, or, where the node's own attempt to publish it was
 * overtaken by another one, as that attempt made it.
 */
function checkSightings({ log, ledgers, nodes, groups }: Evidence): Check {
  const missing: string[] = [];
  const stored = new Set(log.map(({ id }) => id));
  for (const node of nodes) {
    const lines = sightings(ledgers, node);
    const seen = new Set(lines.map(({ id }) => id));
    const overtaken = Map.groupBy(
      lines.filter(({ id, remote, causationId }) => !remote && causationId && !stored.has(id)),
      ({ topic, causationId }) => childOf(queueName(topic as DemoTopic), causationId),
    );
    const hasOwn = ({ type, causationId }: StoredEvent): boolean =>
      causationId !== undefined && overtaken.get(childOf(type, causationId))?.pop() !== undefined;
    const pending = groups.find(({ name }) => name === node)?.pending;
    if (pending !== 0) missing.push(`${node} has ${pending ?? "no group, and so"} pending`);
    const unseen = log.filter((event) => !seen.has(event.id) && !hasOwn(event));
    missing.push(...unseen.map(({ id }) => `${id} on ${node}`));
  }
  return {
    name: "every event came by on every node's bus",
    ok: missing.length === 0,
    detail:
      missing.length === 0
        ? `${log.length} events × ${nodes.length} nodes`
        : `missing: ${sample(missing)}`,
  };
}

/**
 * No node's bus has had an event twice, and no event was published in two places: both would be an
 * event that came back. What is marked as redelivered after a crash is none.
 *
 * An attempt that is cut off, by a kill or by the network, has published what isn't stored, or not as its own: its cause
 * came again, and the log has what that attempt published.
 */
function checkEchoes({ log, ledgers, nodes }: Evidence): Check {
  const echoes: string[] = [];
  const publishers = new Map<string, number>();
  let redelivered = 0;
  let unstored = 0;
  const stored = new Set(log.map(({ id }) => id));
  const caused = new Set(log.map(({ type, causationId }) => childOf(type, causationId)));
  for (const node of nodes) {
    const once = new Set<string>();
    for (const line of sightings(ledgers, node)) {
      if (line.redelivered) {
        redelivered++;
        continue;
      }
      if (!stored.has(line.id)) {
        unstored++;
        const { topic, causationId, remote } = line;
        const again = childOf(queueName(topic as DemoTopic), causationId);
        const isCutOff = !remote && causationId !== undefined && caused.has(again);
        if (!isCutOff) echoes.push(`${line.id} on ${node} is not in the log`);
        continue;
      }
      if (once.has(line.id)) echoes.push(`${line.id} twice on ${node}`);
      once.add(line.id);
      if (!line.remote) publishers.set(line.id, (publishers.get(line.id) ?? 0) + 1);
    }
  }
  for (const [id, count] of publishers) if (count > 1) echoes.push(`${id} has ${count} publishers`);
  if (stored.size !== log.length) echoes.push(`${log.length - stored.size} rows repeat an id`);
  return {
    name: "no echoes",
    ok: echoes.length === 0,
    detail:
      `${echoes.length} echoes; ${redelivered} redelivered` +
      (unstored > 0 ? `; ${unstored} of attempts that were cut off` : "") +
      (echoes.length > 0 ? `: ${sample(echoes)}` : ""),
  };
}

/** Every effect happened once, however often its event was delivered. */
function checkEffects({ ledgers, restarted }: Evidence): Check {
  const failed = new Set(
    ledgers
      .filter(({ outcome }) => outcome === "failed")
      .map(({ group, id }) => `${id} in ${group}`),
  );
  const effects = new Map<string, { applied: number; found: number; cutOff: boolean }>();
  for (const { effectKey, outcome, group, id } of ledgers) {
    if (effectKey === undefined) continue;
    const effect = effects.get(effectKey) ?? { applied: 0, found: 0, cutOff: false };
    effects.set(effectKey, effect);
    effect.cutOff ||= failed.has(`${id} in ${group}`);
    if (outcome === "applied") effect.applied++;
    if (outcome === "found") effect.found++;
  }
  const wrong = [...effects]
    // A kill, or a failure, between an effect and its ledger line leaves only the later "found".
    .filter(
      ([, { applied, cutOff }]) =>
        applied > 1 || (applied === 0 && !cutOff && restarted.size === 0),
    )
    .map(([key, { applied }]) => `"${key}" applied ${applied} times`);
  const repeated = [...effects.values()].reduce((sum, { found }) => sum + found, 0);
  return {
    name: "every effect once",
    ok: wrong.length === 0 && effects.size > 0,
    detail:
      `${effects.size} effects; ${repeated} repeated deliveries changed nothing` +
      (wrong.length > 0 ? `: ${sample(wrong)}` : ""),
  };
}

/** Every job led to one batch of games, and every batch to one copy: children are not doubled. */
function checkJobs({ log }: Evidence): Check {
  const jobs = payloads(log, "selfplay.requested").map(({ jobId }) => String(jobId));
  const batches = payloads(log, "data.new_games").map(({ jobId }) => String(jobId));
  const copies = payloads(log, "data.sync_completed").flatMap(({ files }) =>
    (files as FileRef[]).map(({ path }) => path.replace(/^synced\/(.*)\.games$/, "$1")),
  );
  const same = [batches, copies].every(
    (ids) => ids.toSorted().join() === jobs.toSorted().join() && new Set(ids).size === ids.length,
  );
  return {
    name: "one batch and one copy a job",
    ok: same && jobs.length > 0,
    detail: `${jobs.length} jobs, ${batches.length} batches, ${copies.length} copies`,
  };
}

/** Every generation that was trained was judged once and then promoted or turned away once. */
function checkGenerations({ log }: Evidence): Check {
  const iterations = (...topics: DemoTopic[]): string =>
    topics
      .flatMap((topic) => payloads(log, topic).map(({ iteration }) => Number(iteration)))
      .toSorted((a, b) => a - b)
      .join();
  const trained = iterations("training.completed");
  const count = payloads(log, "training.completed").length;
  const expected = Array.from({ length: count }, (_, i) => i + 1).join();
  return {
    name: "one training, gate and verdict a generation",
    ok:
      count > 0 &&
      trained === expected &&
      iterations("training.started") === expected &&
      iterations("evaluation.completed") === expected &&
      iterations("model.promoted", "promotion.rejected") === expected,
    detail: `${count} generations`,
  };
}

/** Every file that an event named is there, with the content that was promised. */
function checkFiles({ log }: Evidence, folder: RunFolder): Check {
  const promised = new Map<string, string>();
  for (const { payload } of log) {
    const { files, modelPath, checksum } = payload as {
      files?: readonly FileRef[];
      modelPath?: string;
      checksum?: string;
    };
    for (const file of files ?? []) promised.set(file.path, file.sha256);
    if (modelPath !== undefined && checksum !== undefined) promised.set(modelPath, checksum);
  }
  const wrong = [...promised].filter(([path, checksum]) => {
    try {
      return sha256(folder.read(path)) !== checksum;
    } catch {
      return true;
    }
  });
  return {
    name: "every file as its event promised",
    ok: wrong.length === 0 && promised.size > 0,
    detail:
      wrong.length === 0
        ? `${promised.size} files`
        : `wrong or missing: ${sample(wrong.map(([path]) => path))}`,
  };
}

/** Enough candidates passed, and enough were turned away: a gate that only nods proves nothing. */
function checkOutcomes({ log }: Evidence, required: Requirements): Check {
  const promotions = payloads(log, "model.promoted").length;
  const rejections = payloads(log, "promotion.rejected").length;
  return {
    name: "the gate promotes and turns away",
    ok: promotions >= required.promotions && rejections >= required.rejections,
    detail:
      `${promotions} promotions (at least ${required.promotions}), ` +
      `${rejections} rejections (at least ${required.rejections})`,
  };
}

/** The candidate that was poisoned on purpose was turned away. */
function checkDrill({ log }: Evidence, drillGeneration: number): Check {
  const at = (topic: DemoTopic): boolean =>
    payloads(log, topic).some(({ iteration }) => iteration === drillGeneration);
  const reached = at("training.completed");
  return {
    name: "the drill's poisoned candidate is turned away",
    ok: !reached || (at("promotion.rejected") && !at("model.promoted")),
    detail: reached
      ? `generation ${drillGeneration}`
      : `generation ${drillGeneration} was not reached`,
  };
}

/** What an event is known by besides its id: attempts at one cause publish the same. */
function childOf(type: string, causationId: string | undefined): string {
  return `${type} of ${causationId}`;
}

function sightings(ledgers: readonly NodeEntry[], node: string): NodeEntry[] {
  return ledgers.filter((line) => line.group === node && line.outcome === "seen");
}

function payloads(log: readonly StoredEvent[], topic: DemoTopic): Record<string, unknown>[] {
  const type = queueName(topic);
  return log
    .filter((event) => event.type === type)
    .map(({ payload }) => payload as Record<string, unknown>);
}

function sample(items: readonly string[]): string {
  const more = items.length - 3;
  return items.slice(0, 3).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
