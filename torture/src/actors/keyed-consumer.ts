/** A process that handles events of a NATS queue, until SIGTERM: by a consumer, or by claims and acks of its own. */
import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { type LeasedEvent, PermanentError, type QueueEvent } from "@ringrift/event-queue";
import { whenSettled } from "@ringrift/event-queue/backend";
import { Journal } from "../journal.ts";
import { openQueue } from "../keyed/open-queue.ts";
import type { Outcome, Payload, Said } from "../keyed/said.ts";
import { actorOptions } from "./actor.ts";

export interface KeyedConsumerOptions {
  readonly urls: string[];
  readonly stream: string;
  readonly journals: string;
  readonly by: string;
  readonly group: string;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  readonly concurrency: number;
  readonly prefetch?: number;
  /** `receive`: it claims, acks and nacks by itself. */
  readonly style: "consume" | "receive";
}

const WATCH_MS = 50;
const STOP_MS = 15_000;

const options = actorOptions() as KeyedConsumerOptions;
const { urls, stream, by, group, leaseMs, concurrency, prefetch } = options;
const journal = new Journal<Said>(options.journals, by);
const policy = {
  leaseMs,
  maxAttempts: options.maxAttempts,
  backoff: { initialMs: 20, maxMs: 300 },
} as const;
const queue = await openQueue({ servers: urls, stream });
flushCompileCache();
queue.deadLetters.onLetter(({ id, error }) => {
  journal.write({ kind: "buried", id, code: error.code ?? error.name });
});

let last = performance.now();
setInterval(() => {
  const ms = Math.round(performance.now() - last - WATCH_MS);
  last = performance.now();
  if (ms > leaseMs / 4) journal.write({ kind: "stalled", ms });
}, WATCH_MS).unref();

let runs = 0;
let lastComplaint = Number.NEGATIVE_INFINITY;
const complain = (error: unknown): void => {
  lastComplaint = performance.now();
  const { code = "NO_CODE", message } = error as { code?: string; message: string };
  journal.write({ kind: "complaint", code, message });
};
const stopped = new AbortController();
process.on("SIGTERM", () => stopped.abort());
journal.write({ kind: "ready" });
await (options.style === "consume" ? consume() : receive());
await queue.close();
journal.write({ kind: "stopped" });

function begin(event: QueueEvent): number {
  runs += 1;
  const { id, position, key, attempt, redelivered } = event;
  const keyed = key !== undefined && { key };
  journal.write({ kind: "begin", run: runs, id, position, ...keyed, attempt, redelivered });
  return runs;
}

/** Does what an event asks for. */
async function work(event: QueueEvent, run: number, signal?: AbortSignal): Promise<Outcome> {
  const { id, attempt, redelivered } = event;
  const { ms, failures, isPoison } = (event.payload as Payload).work;
  const end = (outcome: Outcome): Outcome => {
    journal.write({ kind: "end", run, id, outcome });
    return outcome;
  };
  try {
    // What has to be quick is done at once.
    if (ms > 0) await sleep(ms, undefined, { signal });
  } catch {
    return end("abandoned");
  }
  if (signal?.aborted) return end("abandoned");
  // What was redriven begins with its first attempt, and is known as delivered before.
  if (isPoison && !(redelivered && attempt === 1)) return end("permanent");
  return end(attempt <= failures ? "failed" : "handled");
}

async function consume(): Promise<void> {
  const member = { concurrency, onError: complain, ...(prefetch !== undefined && { prefetch }) };
  const consumer = queue.consume({ group, ...policy, ...member }, async (event, context) => {
    const { id } = event;
    const run = begin(event);
    whenSettled(context, (isAcked) => {
      // Whether one was taken whose answer didn't come, nobody knows.
      const isUnknown = !isAcked && performance.now() - lastComplaint < 1_000;
      journal.write({ kind: "settled", run, id, ...(!isUnknown && { held: isAcked }) });
    });
    const outcome = await work(event, run, context.signal);
    if (outcome === "permanent") throw new PermanentError("It is poison.");
    if (outcome !== "handled") throw new Error("Not yet.");
  });
  await new Promise((resolve) => stopped.signal.addEventListener("abort", resolve));
  await consumer.stop({ timeoutMs: STOP_MS });
}

async function receive(): Promise<void> {
  const member = queue.group(group, policy);
  while (!stopped.signal.aborted) {
    try {
      const { signal } = stopped;
      const events = await member.receive({ limit: concurrency, waitMs: 1_000, signal });
      const begun = events.map((event) => ({ event, run: begin(event) }));
      await Promise.all(begun.map(({ event, run }) => handle(event, run)));
    } catch (error) {
      if (stopped.signal.aborted) return;
      complain(error);
      await sleep(100);
    }
  }
}

async function handle(event: LeasedEvent, run: number): Promise<void> {
  const { id } = event;
  const outcome = await work(event, run);
  try {
    const reason =
      outcome === "permanent" ? new PermanentError("It is poison.") : new Error("Not yet.");
    const held = await (outcome === "handled" ? event.ack() : event.nack({ reason }));
    journal.write({ kind: "settled", run, id, held });
  } catch (error) {
    complain(error);
    journal.write({ kind: "settled", run, id });
  }
}
