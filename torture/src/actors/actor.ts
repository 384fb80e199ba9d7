import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { CrossProcessEventQueue, type Survives } from "@ringrift/cross-process-queue";
import Database from "better-sqlite3";
import { Journal } from "../journal.ts";
import { becomeNextVersion } from "./next-version.ts";

/** What every process of a run is told. */
export interface ActorOptions {
  /** The queue's file. */
  readonly path: string;
  /** The folder of the journals. */
  readonly journals: string;
  /** The name of this process in them. */
  readonly by: string;
  /** @default no limit */
  readonly maxBacklog?: number;
  /** @default "power-loss" */
  readonly survives?: Survives;
  /** After so many pages SQLite takes the log into the database, on a handle of ours. @default as the queue does it */
  readonly checkpointPages?: number;
  /** Its code is that of a made-up next version. @default false */
  readonly isNextVersion?: boolean;
}

function openQueue(options: ActorOptions) {
  const { path, maxBacklog, survives, checkpointPages, isNextVersion = false } = options;
  if (isNextVersion) becomeNextVersion();
  const more = { maxBacklog, survives };
  if (checkpointPages === undefined) return new CrossProcessEventQueue(path, more);
  const database = new Database(path);
  database.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  return new CrossProcessEventQueue({ database, ...more });
}

/** What this process was told. */
export function actorOptions(): unknown {
  return JSON.parse(process.argv[2] ?? "{}");
}

/** What a process of a run works with. */
export interface Actor {
  readonly queue: CrossProcessEventQueue;
  readonly journal: Journal;
  /** False once it was asked to stop. */
  readonly isRunning: () => boolean;
  /** Does something with the queue; a refusal is written down, and what was refused is left for a while. */
  readonly ask: <T>(n: number | undefined, question: () => Promise<T>) => Promise<T | undefined>;
}

/** Runs until SIGTERM. */
export async function act(
  options: ActorOptions,
  run: (actor: Actor) => Promise<void>,
): Promise<void> {
  // Who is killed would leave nothing in it.
  flushCompileCache();
  const journal = new Journal(options.journals, options.by);
  const queue = openQueue(options);
  let running = true;
  process.on("SIGTERM", () => {
    running = false;
  });
  journal.write({ kind: "ready" });
  const actor: Actor = {
    queue,
    journal,
    isRunning: () => running,
    ask: async (n, question) => {
      try {
        return await question();
      } catch (error) {
        const { code = "NO_CODE" } = error as { code?: string };
        journal.write({ kind: "refused", code, ...(n !== undefined && { n }) });
        await sleep(20);
        return undefined;
      }
    },
  };
  await run(actor);
  await queue.close();
}
