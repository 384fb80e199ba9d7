import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createCoordinator } from "@ringrift/coordinator";
import type { EventCoordinator } from "@ringrift/coordinator";
import { newEventId } from "@ringrift/envelope";
import { GROUP_POLICY, WORK_GROUPS, demoCatalogue, queueName } from "./catalogue.ts";
import type { DemoQueue } from "./catalogue.ts";
import { trackPipeline } from "@ringrift/stage-events";
import { natsAddress, openDemoQueue } from "./demo-queue.ts";
import { createNetwork, modelId as idOf, presetFor, serialiseNetwork } from "./game/index.ts";
import { Ledger } from "./ledger.ts";
import { startLocalServer } from "./local-server.ts";
import type { DemoOptions } from "./options.ts";
import { gatherEvidence, prove } from "./proof.ts";
import type { Requirements } from "./proof.ts";
import type { Progress } from "./report/progress.ts";
import { summarise } from "./report/summary.ts";
import type { Report } from "./report/summary.ts";
import type { RunView } from "./report/view.ts";
import { LAUNCHER, nodesFor } from "./roles.ts";
import { RunFolder, jsonText, modelFile } from "./run-folder.ts";
import { checkpoints, ratingJobs } from "./schedule.ts";
import type { ChampionRecord } from "./schedule.ts";
import { Play } from "./play.ts";
import type { DemoCatalogue, RunSettings, StageContext } from "./stages/context.ts";
import { recordSightings } from "./stages/sightings.ts";
import { Supervisor } from "./supervisor.ts";

/** Nothing has happened for so long: the run is stuck, and says so instead of waiting for ever. */
const STALLED_AFTER_MS = 45_000;
const DRAIN_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 8000;

/** How a run is watched and interrupted. */
export interface LaunchOptions {
  readonly options: DemoOptions;
  readonly view: RunView;
  readonly progress: Progress;
  /** Aborted by Ctrl-C: the run ends early, all processes in order. */
  readonly signal: AbortSignal;
  /** Gets a way to end all processes at once, for a second Ctrl-C. */
  readonly onForce: (force: () => void) => void;
}

/** What came of a run. */
export interface RunOutcome {
  readonly folder: string;
  readonly report: Report;
  /** What kept the run from reaching its end, if anything. */
  readonly problem: Error | undefined;
}

/**
 * Run the demo: start the nodes, ask for the first games, follow the run by its events, and when the
 * time is up let everything in flight end before the processes do. Then check and report.
 *
 * @throws the signal's reason when it was interrupted, after all processes have ended
 */
export async function launch(launch: LaunchOptions): Promise<RunOutcome> {
  const { options, view, progress, signal } = launch;
  const folder = new RunFolder(resolve(options.out, runName()));
  const run = prepare(folder, options);
  await using server =
    options.queue === "nats" ? await startLocalServer(folder.at("nats")) : undefined;
  const address = server?.url ?? options.queue;
  const where =
    address === undefined
      ? resolve(options.db ?? folder.at("events.db"))
      : natsAddress(address, `demo-${run.runId}`);
  await using queue = await openDemoQueue(where);
  const nodes = nodesFor(options.workers);
  const names = [LAUNCHER, ...nodes.map(({ name }) => name)];
  const startPosition = await makeGroups(queue, names);

  await using events = createCoordinator({ catalogue: demoCatalogue, queue, node: LAUNCHER });
  const context: StageContext = {
    node: LAUNCHER,
    events,
    folder,
    run,
    ledger: new Ledger(folder, LAUNCHER),
  };
  recordSightings(context);
  view.follow(events.bus, (line) => progress.milestone(line));
  const illegal: string[] = [];
  using tracker = trackPipeline(
    { bus: events.bus, catalogue: demoCatalogue },
    { onIllegal: ({ message }) => illegal.push(message) },
  );
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const supervisor = new Supervisor({
    folder,
    where,
    through: options.through,
    onChange: (pids) => folder.replace("pids.json", jsonText(pids)),
    onRestart: ({ node, reason }) =>
      progress.milestone(`${node} died (${reason}); it is started again under its name`),
    onGivenUp: (error) => failed.reject(error),
  });
  launch.onForce(() => supervisor.kill());
  const play = new Play(context, options.limit, view);

  let problem: Error | undefined;
  let playSeconds = 0;
  try {
    await events.start();
    await until(Promise.all(nodes.map((spec) => supervisor.start(spec))), failed.promise, signal);
    const began = performance.now();
    await play.begin();
    view.phase = "playing";
    progress.milestone(`${names.length} processes play ${run.configKey} in ${folder.path}`);
    const watch = new AbortController();
    const stalled = watchForStall(view, watch.signal);
    stalled.catch(() => {});
    try {
      await until(Promise.race([play.finished, stalled]), failed.promise, signal);
      playSeconds = (performance.now() - began) / 1000;
      view.phase = "rating";
      progress.milestone(`play is over; ${checkpoints(play.champions).length} champions are rated`);
      const rating = playRatings(context, view, play.champions);
      await until(Promise.race([rating, stalled]), failed.promise, signal);
    } finally {
      watch.abort();
    }
    view.phase = "draining";
    await until(drain(queue, names), failed.promise, signal);
  } catch (error) {
    problem = error as Error;
  }
  await supervisor.stop(STOP_WITHIN_MS);
  await events.stop({ timeoutMs: 4000 });
  signal.throwIfAborted();

  view.phase = "done";
  folder.replace(
    `stats/${LAUNCHER}-${process.pid}.json`,
    jsonText({ node: LAUNCHER, ...events.stats() }),
  );
  const evidence = await gatherEvidence(queue, folder, {
    startPosition,
    nodes: names,
    restarted: new Set(supervisor.restarts.map(({ node }) => node)),
  });
  const report = summarise(run, folder, evidence, {
    checks: prove(evidence, folder, requirements(options, run)),
    seconds: { play: playSeconds, total: view.elapsed },
    restarts: supervisor.restarts,
    stages: { steps: tracker.stats().transitions, illegal },
  });
  folder.replace("report.json", jsonText(report));
  return { folder: folder.path, report, problem };
}

/** Write what all nodes of the run agree on, and the model that everything begins with. */
function prepare(folder: RunFolder, options: DemoOptions): RunSettings {
  const preset = presetFor(options.size);
  const content = serialiseNetwork(createNetwork(options.size, options.seed, preset.tuples));
  const firstModelId = idOf(content);
  folder.createOnce(modelFile(firstModelId), content);
  const run: RunSettings = {
    runId: newEventId(),
    configKey: options.configKey,
    size: options.size,
    seed: options.seed,
    preset,
    firstModelId,
  };
  folder.replace("run.json", jsonText(run));
  return run;
}

/**
 * Make every group before anything is sent, so that none misses an event; in a queue file that was
 * used before they begin where it ends. Resolves to the position the run begins after.
 */
async function makeGroups(queue: DemoQueue, nodes: readonly string[]): Promise<number> {
  for (const [group, topics] of Object.entries(WORK_GROUPS)) {
    await queue
      .group(group, { ...GROUP_POLICY, eventTypes: topics.map((topic) => queueName(topic)) })
      .ensure();
  }
  for (const node of nodes) {
    await queue.group(node, { leaseMs: GROUP_POLICY.leaseMs }).ensure();
  }
  const { newestPosition } = await queue.stats();
  if (newestPosition === undefined) return 0;
  for (const group of [...Object.keys(WORK_GROUPS), ...nodes])
    await queue.groups.seek(group, "now");
  return newestPosition;
}

/** Have the champions of the run meet each other and the yardsticks; resolves when all have met. */
async function playRatings(
  { events, run }: { events: EventCoordinator<DemoCatalogue>; run: RunSettings },
  view: RunView,
  champions: readonly ChampionRecord[],
): Promise<void> {
  const jobs = ratingJobs(run, checkpoints(champions));
  const open = new Set(jobs.map(({ jobId }) => jobId));
  view.ratingsExpected = jobs.length;
  const rated = Promise.withResolvers<void>();
  using _subscription = events.bus.subscribe("rating.completed", ({ payload }) => {
    open.delete(payload.jobId);
    view.progress = 1 - open.size / jobs.length;
    if (open.size === 0) rated.resolve();
  });
  await Promise.all(jobs.map((job) => events.publish("rating.requested", job)));
  await rated.promise;
}

/** Wait until no group has anything left to do. */
async function drain(queue: DemoQueue, nodes: readonly string[]): Promise<void> {
  const ours = new Set([...Object.keys(WORK_GROUPS), ...nodes]);
  const deadline = performance.now() + DRAIN_WITHIN_MS;
  for (;;) {
    const groups = await queue.groups.list();
    const busy = groups.filter(({ name, pending }) => ours.has(name) && pending > 0);
    if (busy.length === 0) return;
    if (performance.now() > deadline) {
      const left = busy.map(({ name, pending }) => `"${name}" (${pending})`).join(", ");
      throw new Error(
        `Groups still had events to handle after ${DRAIN_WITHIN_MS / 1000} s: ${left}.`,
      );
    }
    await sleep(50);
  }
}

/** Rejects when no event has come by for a long time. */
async function watchForStall(view: RunView, signal: AbortSignal): Promise<never> {
  let seen = view.events;
  let since = performance.now();
  for (;;) {
    await sleep(500, undefined, { signal, ref: false });
    if (view.events !== seen) {
      seen = view.events;
      since = performance.now();
    } else if (performance.now() - since > STALLED_AFTER_MS) {
      throw new Error(
        `No event for ${STALLED_AFTER_MS / 1000} s while ${view.phase}; see the logs in the run folder.`,
      );
    }
  }
}

/** Wait for a step of the run, at most until the run fails or is interrupted. */
async function until<T>(step: Promise<T>, failed: Promise<never>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([step, failed, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** A full run has to promote three times and reject once; a short one as much as it has time for. */
function requirements({ quick, limit }: DemoOptions, { preset }: RunSettings): Requirements {
  const { drillGeneration } = preset;
  if ("generations" in limit) {
    const { generations } = limit;
    return {
      promotions: Math.min(3, Math.floor(generations / 2)),
      rejections: generations >= drillGeneration ? 1 : 0,
      drillGeneration,
    };
  }
  const short = quick || limit.seconds < 30;
  return { promotions: short ? 2 : 3, rejections: short ? 0 : 1, drillGeneration };
}

function runName(): string {
  const time = new Date().toISOString().replaceAll(":", "").replace("T", "-").slice(0, 17);
  return `${time}-${newEventId().slice(-4)}`;
}
