import type { Seen } from "../ledger.ts";
import type { Action } from "../scenario/scenario.ts";
import type { Payload, Topic } from "../scenario/topics.ts";
import type { Process } from "./process.ts";
import { publish } from "./publishing.ts";

/** How long a handler waits for an answer. */
const AWAIT_MS = 20_000;
/** What a handler fails with that is told to. */
export const SCRIPTED = "scripted failure";

/** An event as a bus or a work group gives it to a handler. */
interface Given {
  readonly topic: string;
  readonly id: string;
  readonly payload: unknown;
  readonly causationId?: string | undefined;
  readonly correlationId: string;
  readonly redelivered?: boolean | undefined;
}

/** What one run of a handler is. */
export interface Handling {
  readonly handler: string;
  readonly group: string | undefined;
  readonly queue: number;
  readonly attempt: number;
  readonly key: string | undefined;
  /** What names its children: it is the same at every attempt. */
  readonly scope: string;
  readonly actions: readonly Action[];
}

/** An event, for a ledger. */
export function seen(process: Process, event: Given): Seen {
  const { topic, id, payload, causationId, correlationId, redelivered } = event;
  const { ledger } = process.world;
  return {
    topic,
    id: ledger.alias(id),
    tag: (payload as Payload).tag,
    causation: causationId && ledger.alias(causationId),
    correlation: ledger.alias(correlationId),
    redelivered: redelivered === true,
  };
}

/** Does what a handler is told to do, and writes down that it did. */
export async function handle(process: Process, event: Given, handling: Handling): Promise<void> {
  const { handler, group, queue, attempt, key, actions } = handling;
  const { tag } = event.payload as Payload;
  process.write({ what: "begin", handler, group, queue, attempt, key, ...seen(process, event) });
  process.open += 1;
  process.coordinated += 1;
  let failed = true;
  try {
    for (const action of actions) await act(process, tag, { handling, action });
    failed = false;
  } finally {
    process.open -= 1;
    process.coordinated -= 1;
    const id = process.world.ledger.alias(event.id);
    process.write({ what: "end", handler, group, queue, id, tag, attempt, failed });
  }
  // What had to be done is done. Any number of handlers may wait for the stop of their coordinator.
  if (process.state === "stopping" && tag.length % 3 === 0 && process.hasOneHandler(event.topic)) {
    process.write({ what: "joins", id: process.world.ledger.alias(event.id) });
    await process.coordinator.stop();
  }
}

async function act(
  process: Process,
  tag: string,
  { handling, action }: { handling: Handling; action: Action },
): Promise<void> {
  switch (action.do) {
    case "publish": {
      const { topic, via, key, label, isAwaited } = action;
      const child = { tag: `${tag}/${handling.scope}.${label}`, parent: tag };
      const published = publish(process, { ...child, topic, via, key, queue: handling.queue });
      if (isAwaited) await published;
      return;
    }
    case "sleep":
      return new Promise((resolve) => void setTimeout(resolve, action.ms));
    case "fail":
      throw new Error(SCRIPTED);
    case "await":
      return waitForAnswer(process, tag, { handling, topic: action.topic });
  }
}

/** As the documents advise: looks at the history first. */
async function waitForAnswer(
  process: Process,
  tag: string,
  { handling, topic }: { handling: Handling; topic: Topic },
): Promise<void> {
  const { bus } = process;
  const isAnswer = ({ payload }: { payload: Payload }): boolean => payload.parent === tag;
  const since = process.world.scheduler.now;
  let came = bus.getHistory({ topic, limit: 1000 }).some(isAnswer);
  if (!came) {
    const waiting = bus.waitFor(topic, { where: isAnswer, timeoutMs: AWAIT_MS });
    came = await waiting.then(
      () => true,
      () => false,
    );
  }
  process.write({ what: "waited", handler: handling.handler, tag, for: topic, since, came });
}
