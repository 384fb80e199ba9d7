import type { StreamInfo } from "@nats-io/jetstream";
import { QueueError, type QueueHealth, type QueueStats } from "@ringrift/event-queue";
import { diskSync } from "./disk-sync.ts";
import type { Engine } from "./engine.ts";
import { groupInfo } from "./group-info.ts";
import type { QueueInstance } from "./instance.ts";

/** Counters and sizes, as of now. */
export function queueStats(instance: QueueInstance): Promise<QueueStats> {
  return instance.use(async ({ connection, names, groups, letters, delayed, sweeper }) => {
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
      ...instance.counts,
      dropped: Object.fromEntries(instance.dropped),
    };
  });
}

/** Whether the queue can be read and written now. Resolves also when it can't; rejects when it is closed. */
export async function queueHealth(instance: QueueInstance): Promise<QueueHealth> {
  const problems: string[] = [];
  let backend = "nats";
  let details: Record<string, unknown> = {};
  try {
    await instance.use(async (engine) => {
      const { connection } = engine;
      backend = `nats-server ${connection.serverVersion}`;
      details = {
        server: connection.nats.getServer(),
        connected: connection.connected,
        ...connection.history,
      };
      if (!connection.connected) {
        problems.push(
          `The connection to the NATS server is lost${connection.history.lastError === undefined ? "" : ` (${connection.history.lastError})`}. It is tried again by itself; check that a server runs.`,
        );
        return;
      }
      const { info, lag } = await look(engine);
      problems.push(...clusterProblems(info));
      const { found, warnings } = await durability(instance, info);
      details = {
        ...details,
        events: info.state.messages,
        bytes: info.state.bytes,
        replicas: info.config.num_replicas,
        leader: info.cluster?.leader,
        diskSync: found,
        warnings,
        lag,
      };
    });
  } catch (error) {
    if (error instanceof QueueError && error.code === "QUEUE_CLOSED") throw error;
    problems.push(error instanceof Error ? error.message : String(error));
  }
  if (instance.corrupt.size > 0) {
    const positions = [...instance.corrupt].slice(0, 10).join(", ");
    problems.push(
      `${instance.corrupt.size} messages could not be read and were skipped (positions ${positions}). Something other than this library writes to the subjects of this queue.`,
    );
  }
  return { ok: problems.length === 0, problems, backend, details };
}

async function look(engine: Engine): Promise<{ info: StreamInfo; lag: Record<string, number> }> {
  const { connection, names, groups, state } = engine;
  const info = await connection.jsm.streams.info(names.stream);
  // That it can be written.
  await state.put(names.clock, "");
  const infos = await Promise.all((await groups.all()).map((group) => groupInfo(engine, group)));
  return { info, lag: Object.fromEntries(infos.map(({ name, pending }) => [name, pending])) };
}

function clusterProblems({ config, cluster }: StreamInfo): string[] {
  if (cluster === undefined || config.num_replicas === 1) return [];
  const away = (cluster.replicas ?? []).filter(({ offline, current }) => offline || !current);
  if (away.length === 0) return [];
  const list = away.map(({ name }) => name).join(", ");
  return [
    `Of the ${config.num_replicas} copies of the stream "${config.name}" these are away or behind: ${list}. Check these servers: one more that fails may stop the queue.`,
  ];
}

/** What a server acknowledges before it is on a disk is no problem of now: it is said as a warning. */
async function durability(
  { options }: QueueInstance,
  { config }: StreamInfo,
): Promise<{ found: string; warnings: string[] }> {
  const found = await diskSync(options.monitoring);
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
      'There is one copy of the stream, and the server acknowledges events before they are on its disk: a power cut may lose the last 2 minutes. Set sync_interval: always in its jetstream block (2.10 or later), and give "replicas: 3" in a cluster.',
    ],
  };
}
