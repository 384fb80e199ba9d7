import type { StreamInfo } from "@nats-io/jetstream";
import type { GroupInfo, HealthProblem } from "@ringrift/event-queue";
import type { HealthReport, LogStats } from "@ringrift/event-queue/backend";
import { diskSync } from "../connection/disk-sync.ts";
import type { Engine } from "../engine/engine.ts";
import { groupInfo } from "../settling/group-info.ts";
import type { CheckedOptions } from "../server/options.ts";

/** From this share of what they may take dead letters are told of. */
const NEARLY = 0.8;

/** Counters and sizes, as of now. */
export async function logStats(engine: Engine): Promise<LogStats> {
  const { connection, names, groups, letters, delayed, sweeper } = engine;
  // Where it can't be done now, they count it all.
  await sweeper.sweep().catch(() => {});
  const [{ state }, all, deadLetters, waiting] = await Promise.all([
    connection.persist("counting", () => connection.jsm.streams.info(names.stream)),
    groups.all(),
    letters.count(),
    delayed.count(),
  ]);
  return {
    events: state.messages,
    oldestPosition: state.messages === 0 ? undefined : state.first_seq,
    newestPosition: state.last_seq === 0 ? undefined : state.last_seq,
    delayed: waiting,
    groups: all.length,
    deadLetters,
  };
}

/** Looks whether the queue can be read and written now. */
export async function reportHealth(
  engine: Engine,
  options: CheckedOptions,
  report: HealthReport,
): Promise<void> {
  const { connection } = engine;
  const { problems, details } = report;
  report.backend = `nats-server ${connection.serverVersion}`;
  Object.assign(details, {
    server: connection.server,
    connected: connection.connected,
    ...connection.history,
  });
  if (!connection.connected) {
    const { lastError } = connection.history;
    problems.push({
      code: "DISCONNECTED",
      severity: "error",
      subject: connection.server,
      message: `The connection to the NATS server is lost${lastError === undefined ? "" : ` (${lastError})`}.`,
      action: "Check that a server runs; the connection is tried again by itself.",
    });
    return;
  }
  const { info, infos } = await look(engine);
  const unsent = engine.sends.problem(info.config.name, info.state);
  problems.push(...clusterProblems(info), ...(unsent === undefined ? [] : [unsent]));
  problems.push(...(await engine.watch.problems()));
  const dead = await connection.persist("looking at its streams", () =>
    connection.jsm.streams.info(engine.names.deadStream),
  );
  problems.push(...deadProblems(dead, options));
  const { found, warnings } = await durability(options, info);
  Object.assign(details, {
    events: info.state.messages,
    bytes: info.state.bytes,
    deadLetterBytes: dead.state.bytes,
    replicas: info.config.num_replicas,
    leader: info.cluster?.leader,
    diskSync: found,
    warnings,
    lag: Object.fromEntries(infos.map(({ name, pending }) => [name, pending])),
  });
}

async function look(engine: Engine): Promise<{ info: StreamInfo; infos: GroupInfo[] }> {
  const { connection, names, groups, state } = engine;
  const info = await connection.persist("looking at its streams", () =>
    connection.jsm.streams.info(names.stream),
  );
  // That it can be written.
  await state.put(names.clock, "");
  const infos = await Promise.all((await groups.all()).map((group) => groupInfo(engine, group)));
  return { info, infos };
}

function deadProblems(
  { config, state }: StreamInfo,
  { deadLetters }: CheckedOptions,
): HealthProblem[] {
  const { bytes } = deadLetters;
  if (bytes === undefined || state.bytes < bytes * NEARLY) return [];
  return [
    {
      code: "DEAD_LETTERS_FULL",
      severity: "warning",
      subject: config.name,
      message: `Dead letters take ${state.bytes} bytes of the ${bytes} that they may: beyond, the oldest are removed.`,
      action: "Mend what fails, redrive or discard them, or raise deadLetterBytes.",
    },
  ];
}

function clusterProblems({ config, cluster }: StreamInfo): HealthProblem[] {
  if (cluster === undefined || config.num_replicas === 1) return [];
  const away = (cluster.replicas ?? []).filter(({ offline, current }) => offline || !current);
  if (away.length === 0) return [];
  const list = away.map(({ name }) => name).join(", ");
  return [
    {
      code: "REPLICAS_MISSING",
      severity: "error",
      subject: config.name,
      message: `Of the ${config.num_replicas} copies of the stream "${config.name}" these are away or behind: ${list}.`,
      action: "Check these servers: one more that fails may stop the queue.",
    },
  ];
}

/** What a server acknowledges before it is on a disk is no problem of now: it is said as a warning. */
async function durability(
  { monitoring }: CheckedOptions,
  { config }: StreamInfo,
): Promise<{ found: string; warnings: string[] }> {
  const found = await diskSync(monitoring);
  if (found === "always") return { found, warnings: [] };
  if (config.num_replicas > 1) {
    return {
      found,
      warnings: [
        "A power cut of most servers at once may lose the last events: set sync_interval: always in their jetstream blocks if that matters.",
      ],
    };
  }
  return {
    found,
    warnings: [
      'There is one copy of the stream, and the server acknowledges events before they are on its disk: a power cut may lose the last 2 minutes. Set sync_interval: always in its jetstream block, and give "replicas: 3" in a cluster.',
    ],
  };
}
