/** A process with a coordinator on a queue, and perhaps a second one in a worker thread. It ends by itself. */
import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Member } from "../bridge/member.ts";
import type { MemberOptions, Message } from "../bridge/orders.ts";
import { actorOptions } from "./actor.ts";

const WATCH_MS = 50;

const options = (isMainThread ? actorOptions() : workerData) as MemberOptions;
const member = await Member.open(options);
const { journal } = member;
// Whoever is killed would leave nothing in it.
if (isMainThread) flushCompileCache();

let last = performance.now();
setInterval(() => {
  const ms = Math.round(performance.now() - last - WATCH_MS);
  last = performance.now();
  if (ms > options.leaseMs / 4) journal.write({ kind: "stalled", ms });
}, WATCH_MS).unref();

if (isMainThread) {
  process.on("warning", ({ name, message, ...more }) => {
    const { code = name } = more as { code?: string };
    // Subscribers that were to fail are reported like all others.
    if (code !== "RINGRIFT_HANDLER_ERROR") journal.write({ kind: "complaint", code, message });
  });
}

let thread: Worker | undefined;
if (options.thread) thread = new Worker(new URL(import.meta.url), { workerData: options.thread });

const begun = member.begin();
const port = isMainThread ? process : parentPort;
port?.on("message", (message: Message) => void obey(message));
await begun;

async function obey(message: Message): Promise<void> {
  if (thread && message.do === "quit") {
    const ended = once(thread, "exit");
    thread.postMessage(message);
    await ended;
    thread = undefined;
  } else if (thread && message.to === "thread") {
    thread.postMessage(message);
    return;
  }
  await member.obey(message);
  if (message.do !== "quit") return;
  if (isMainThread) process.disconnect();
  else parentPort?.close();
}
