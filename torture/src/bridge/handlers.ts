import { setTimeout as sleep } from "node:timers/promises";
import { PermanentError } from "@ringrift/event-queue";
import type { Journal } from "../journal.ts";
import { type Named, type Task, WORK } from "./catalogue.ts";
import type { Coordinator, Publishing } from "./publishing.ts";
import type { Life, Said, Seen } from "./said.ts";

/** Longest wait for an answer. */
export const ANSWER_MS = 3000;

/** A failure that the task asked for. */
class PlannedError extends Error {
  readonly code = "PLANNED";
}

export interface HandlerOptions {
  readonly events: Coordinator;
  readonly journal: Journal<Said>;
  readonly publishing: Publishing;
  /** Asked for at each event: it is another one after a restart. */
  readonly life: () => Life;
  /** What tells its children from those of other nodes. */
  readonly owner: string;
  readonly works: boolean;
  readonly leaseMs: number;
  /** Names of what this process has published. */
  readonly own: ReadonlySet<string>;
}

interface Heard {
  readonly id: string;
  readonly topic: string;
  readonly correlationId: string;
  readonly causationId?: string | undefined;
  readonly redelivered?: boolean | undefined;
}

let count = 0;

/** Writes down what the bus and the work groups give, and does what the tasks ask for. */
export function listen(options: HandlerOptions): void {
  const { events, journal, life, works, leaseMs } = options;
  const hear = async (event: Heard & { payload: Named }, react?: () => Promise<void>) => {
    count += 1;
    const n = count;
    journal.write({ kind: "got", life: life(), n, ...seen(event, event.payload) });
    try {
      await react?.();
    } finally {
      journal.write({ kind: "let-go", n });
    }
  };
  events.bus.subscribe("task.given", (event) =>
    hear(event, () => hearTask(options, event, event.payload)),
  );
  events.bus.subscribe("leaf.made", (event) => hear(event));
  events.bus.subscribe("task.answered", (event) => hear(event));
  if (!works) return;
  const backoff = { initialMs: 20, maxMs: 200 };
  // Others may have published before it is there.
  const policy = { from: "beginning", leaseMs, maxAttempts: 1000, backoff } as const;
  for (const [group, topic] of Object.entries(WORK)) {
    events.handle(topic, { ...policy, group, concurrency: 4 }, async (event) => {
      count += 1;
      const n = count;
      const { attempt } = event;
      const begun = { n, group, attempt, ...seen(event, event.payload) };
      journal.write({ kind: "begin", life: life(), ...begun });
      let ok = false;
      try {
        if (event.topic === "task.given") await workOn(options, event, event.payload, attempt);
        ok = true;
      } finally {
        journal.write({ kind: "end", n, ok });
      }
    });
  }
}

function seen(event: Heard, { name }: Named): Seen {
  const { id, topic, correlationId, causationId, redelivered = false } = event;
  return {
    id,
    name,
    topic,
    correlationId,
    redelivered,
    ...(causationId !== undefined && { causationId }),
  };
}

async function hearTask(options: HandlerOptions, event: Heard, task: Task): Promise<void> {
  const { events, publishing, life, owner, own } = options;
  const { name } = task;
  // The wait begins first: the answer may be quicker than what else is to be done.
  const isAsking = task.asks && own.has(name) && event.redelivered !== true;
  const answer = isAsking ? waitForAnswer(options, name) : undefined;
  // Handlers rarely publish before they have waited for anything.
  if (task.echoes.length > 0) await sleep(1);
  for (const [index, how] of task.echoes.entries()) {
    const payload: Named = { name: `${name}/${how}${index}@${owner}` };
    const topic = "leaf.made";
    await publishing.publish(events, life(), { how, topic, payload, within: "bus", parent: event });
  }
  await answer;
  if (task.isUnheard) throw new PlannedError("A subscriber was to fail.");
}

async function waitForAnswer(
  { events, journal, life }: HandlerOptions,
  name: string,
): Promise<void> {
  const begun = performance.now();
  const where = ({ payload }: { payload: Named }): boolean => payload.name === `${name}/answer`;
  const ok = await events.bus.waitFor("task.answered", { where, timeoutMs: ANSWER_MS }).then(
    () => true,
    () => false,
  );
  const ms = Math.round(performance.now() - begun);
  journal.write({ kind: "answer", life: life(), name, ok, ms });
}

async function workOn(
  { events, publishing, life }: HandlerOptions,
  event: Heard,
  task: Task,
  attempt: number,
): Promise<void> {
  const { name, failures, isPoison, children, hasDetour, workMs, burnMs, asks } = task;
  if (isPoison) throw new PermanentError("The task was to fail for good.");
  if (attempt === 1) burn(burnMs);
  await sleep(workMs);
  const bear = (
    topic: "leaf.made" | "task.answered",
    how: Task["children"][number],
    payload: Named,
  ) => publishing.publish(events, life(), { how, topic, payload, within: "work", parent: event });
  for (const [index, how] of children.entries()) {
    await bear("leaf.made", how, { name: `${name}/${how}${index}` });
  }
  const path = hasDetour && attempt === 1 ? "left" : "right";
  if (hasDetour) await bear("leaf.made", "events.publish", { name: `${name}/${path}` });
  if (attempt <= failures || path === "left") throw new PlannedError("The work was to fail.");
  if (asks) await bear("task.answered", "events.publish", { name: `${name}/answer` });
}

/** Keeps the processor, and so the event loop, busy. */
function burn(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end) Math.sqrt(end);
}
