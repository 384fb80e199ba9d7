/**
 * One node of a test: a queue, buses and a coordinator in a process or worker thread of its own, driven
 * by messages. It records every event its topic bus delivers.
 */
import { parentPort, workerData } from "node:worker_threads";
import { type EventCoordinator, createCoordinator } from "@ringrift/coordinator";
import { selfplayCatalogue } from "@ringrift/mappings";
import { openAt } from "./open-at.ts";

export interface NodeSettings {
  /** Where the queue is: a file, or `nats://…`. */
  readonly dbPath: string;
  readonly node?: string;
  /** Handles `data.new_games` for this group. */
  readonly group?: string;
  readonly leaseMs?: number;
  /** Whether its bus handler never ends. */
  readonly hangs?: boolean;
  /** Whether its bus handler of `data.new_games` publishes a child, and then dies if the event is new to it. */
  readonly answers?: boolean;
  /** What to do in the work handler, after its effect. */
  readonly work?: "record" | "publish then die" | "die after effect";
}

/** An event as the test sees it. */
export interface Seen {
  readonly id: string;
  readonly topic: string;
  readonly payload: Record<string, unknown>;
  readonly redelivered: boolean;
  readonly attempt?: number;
}

const settings = (workerData ?? JSON.parse(process.argv[2] ?? "{}")) as NodeSettings;
const queue = openAt(settings.dbPath);
const events: EventCoordinator<typeof selfplayCatalogue> = createCoordinator({
  queue,
  catalogue: selfplayCatalogue,
  ...(settings.node !== undefined && { node: settings.node }),
});
const seen: Seen[] = [];
const worked: Seen[] = [];
/** What its publishes of children gave. */
const children: { readonly id: string; readonly duplicate: boolean }[] = [];

async function publishChild(): Promise<void> {
  const child = { nodeId: "t", gamesSynced: 1 };
  const { id, duplicate } = await events.publish("data.sync_completed", child);
  children.push({ id, duplicate });
}

events.bus.subscribe("**", (event) => {
  const { id, topic, redelivered = false } = event;
  seen.push({ id, topic, redelivered, payload: { ...event.payload } });
  return settings.hangs ? new Promise(() => undefined) : undefined;
});
if (settings.answers) {
  events.bus.subscribe("data.new_games", async ({ redelivered = false }) => {
    await publishChild();
    if (!redelivered) process.kill(process.pid, "SIGKILL");
  });
}
if (settings.group !== undefined) {
  const { group, leaseMs, work = "record" } = settings;
  events.handle(
    "data.new_games",
    { group, ...(leaseMs !== undefined && { leaseMs }) },
    async (event) => {
      const { id, topic, redelivered, attempt } = event;
      worked.push({ id, topic, redelivered, attempt, payload: { ...event.payload } });
      if (work === "record" || attempt > 1) {
        await publishChild();
        return;
      }
      if (work === "publish then die") {
        await publishChild();
      }
      tell({ event: "dying", worked });
      process.kill(process.pid, "SIGKILL");
      await new Promise(() => undefined);
    },
  );
}

const commands: Record<string, (...args: never[]) => unknown> = {
  start: () => events.start(),
  stop: () => events.stop(),
  close: async () => {
    await events.close();
    await queue.close();
  },
  publish: (topic: "data.new_games", payload: { count: number; source: string }) =>
    events.publish(topic, payload),
  busPublish: async (topic: "data.new_games", payload: { count: number; source: string }) => {
    const { event, delivered, errors } = await events.bus.publish(topic, payload);
    return { id: event.id, delivered, errors: errors.map(String) };
  },
  publishSync: (topic: "data.new_games", payload: { count: number; source: string }) =>
    events.bus.publishSync(topic, payload),
  emit: async (result: never) => {
    const { errors } = await events.stages.emit(result);
    return errors.map(String);
  },
  send: (type: string, payload: unknown) => queue.send(type, payload),
  seen: () => seen,
  worked: () => worked,
  children: () => children,
  stats: () => events.stats(),
};

interface Command {
  readonly call: number;
  readonly name: string;
  readonly args: never[];
}

async function obey({ call, name, args }: Command): Promise<void> {
  try {
    tell({ call, result: await commands[name]?.(...args) });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    tell({ call, error: { code, message } });
  }
}

function tell(message: unknown): void {
  if (parentPort) parentPort.postMessage(message);
  else process.send?.(message);
}

if (parentPort) parentPort.on("message", (command: Command) => void obey(command));
else process.on("message", (command: Command) => void obey(command));
tell({ event: "ready" });
