import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type EventQueue,
  type LeasedEvent,
  type OutgoingEvent,
  PermanentError,
} from "@ringrift/event-queue";
import { onTestFinished } from "vitest";
import { openAt } from "./open-at.ts";

const MIGRATOR = new URL("migrator.ts", import.meta.url);
const TYPES = ["ORDER_PLACED", "ORDER_PAID"] as const;
const LONG_MS = 600_000;

/** Steps of a migration in which it is killed. */
export const PHASES = [
  "begin",
  "read",
  "sendMany",
  "hold",
  "delayed",
  "release",
  "oldestUnsettled",
  "adoptGroup",
  "letters",
  "adoptLetters",
  "end",
] as const;

/** What is known of a group in the old queue, without asking it. */
export interface Ledger {
  readonly name: string;
  readonly types: readonly string[];
  /** Ids it has settled, or given up on. */
  readonly done: Set<string>;
}

/** An old queue with some life behind it. */
export interface FilledQueue {
  readonly ledgers: readonly Ledger[];
  /** By id: when it is due. */
  readonly delayed: ReadonlyMap<string, number>;
}

/** Numbers below `end` that follow from a seed. */
export type Choose = (end: number) => number;

/** See `torture`: mulberry32. */
export function chooser(seed: number): Choose {
  let state = seed;
  return (end) => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  };
}

/** Fills a queue: groups with leased, failed, settled and dead events, and delayed ones. */
export async function fill(queue: EventQueue, choose: Choose): Promise<FilledQueue> {
  queue.deadLetters.onLetter(() => {});
  const ledgers = [
    { name: "all", types: TYPES, done: new Set<string>() },
    { name: "paid", types: ["ORDER_PAID"], done: new Set<string>() },
    { name: "unserved", types: TYPES, done: new Set<string>() },
  ];
  const all = queue.group("all", {
    maxAttempts: 1 + choose(3),
    leaseMs: LONG_MS,
    backoff: { initialMs: LONG_MS, maxMs: LONG_MS },
  });
  const paid = queue.group("paid", { eventTypes: ["ORDER_PAID"], leaseMs: LONG_MS });
  await Promise.all([all, paid, queue.group("unserved")].map((group) => group.ensure()));
  await queue.sendMany(Array.from({ length: 20 + choose(40) }, () => anEvent(choose)));
  const delayed = await queue.sendMany(
    Array.from({ length: 3 }, (_, n) => ({ ...anEvent(choose), delayMs: 400 + 500 * n })),
  );
  for (const [index, group] of [all, paid].entries()) {
    for (let turns = choose(4); turns > 0; turns -= 1) {
      for (const event of await group.receive({ limit: 5 })) {
        if (await isDone(event, choose(10))) ledgers[index]?.done.add(event.id);
      }
    }
  }
  return { ledgers, delayed: new Map(delayed.map(({ id, dueAt = 0 }) => [id, dueAt])) };
}

/** A producer that goes on. */
export async function produce(queue: EventQueue, choose: Choose): Promise<void> {
  for (let left = choose(4); left > 0; left -= 1) {
    const { type, payload, key } = anEvent(choose);
    await queue.send(type, payload, { key });
  }
}

/** Moves a queue in another process, and kills that in a phase. Resolves to whether it has come to that. */
export async function moveAndDie(
  from: string,
  to: string,
  { phase, delayMs }: { readonly phase: string; readonly delayMs: number },
): Promise<boolean> {
  const child = fork(MIGRATOR, [from, to], { execArgv: ["--conditions=@ringrift/source"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const gone = once(child, "exit");
  // What it said last comes before this, and may come after its exit.
  const isSilent = once(child, "disconnect").then(() => false);
  const isReached = await Promise.race([reached(child, phase), isSilent]);
  await sleep(delayMs);
  child.kill("SIGKILL");
  await gone;
  return isReached;
}

/** Another instance of a queue, closed when the round is over. */
export function openBoth(
  from: string,
  to: string,
): AsyncDisposable & Record<"old" | "next", EventQueue> {
  const [old, next] = [openAt(from), openAt(to)];
  return {
    old,
    next,
    async [Symbol.asyncDispose]() {
      await Promise.all([old.close(), next.close()]);
    },
  };
}

function reached(child: ChildProcess, phase: string): Promise<boolean> {
  return new Promise((resolve) => {
    child.on("message", (message: { readonly phase: string }) => {
      if (message.phase === phase) resolve(true);
    });
  });
}

/** Whether nothing is left to do for it; what isn't done stays leased, or waits for its retry. */
async function isDone(event: LeasedEvent, choice: number): Promise<boolean> {
  if (choice < 6) return event.ack();
  if (choice < 8) return event.nack({ reason: new PermanentError(`no use (${choice})`) });
  return false;
}

function anEvent(choose: Choose): OutgoingEvent & { readonly type: string } {
  const key = choose(2) === 0 ? undefined : `order-${choose(5)}`;
  return { type: TYPES[choose(2)] ?? TYPES[0], payload: { n: choose(1_000) }, key };
}
