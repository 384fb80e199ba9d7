import type { Outcome, Via } from "../ledger.ts";
import { type Payload, STAGES, type Topic, typeOf } from "../scenario/topics.ts";
import type { Process } from "./process.ts";

/** One publish. */
export interface Publishing {
  readonly tag: string;
  readonly topic: Topic;
  readonly via: Via;
  readonly queue: number;
  readonly key?: string | undefined;
  /** The tag of the event in whose handler it is made. */
  readonly parent?: string | undefined;
}

interface Came {
  readonly outcome: Outcome;
  readonly id?: string | undefined;
  readonly code?: string | undefined;
}

/** Publishes, and writes down what came of it. Never rejects. */
export async function publish(process: Process, publishing: Publishing): Promise<void> {
  const { tag, topic, via, queue, key, parent } = publishing;
  process.write({ what: "publish", tag, topic, via, queue, key, parent });
  const isOfCoordinator = publishing.via !== "queue";
  process.open += 1;
  if (isOfCoordinator) process.coordinated += 1;
  let came: Came;
  try {
    came = await call(process, publishing);
  } catch (error) {
    came = { outcome: "refused", code: codeOf(error) };
  }
  process.open -= 1;
  if (isOfCoordinator) process.coordinated -= 1;
  const id = came.id && process.world.ledger.alias(came.id);
  process.write({ what: "published", tag, outcome: came.outcome, id, code: came.code });
}

async function call(process: Process, publishing: Publishing): Promise<Came> {
  const { tag, topic, via, key, parent } = publishing;
  const payload: Payload = { tag, ...(parent !== undefined && { parent }) };
  const { coordinator } = process;
  const { bus, stages, queue } = coordinator;
  switch (via) {
    case "events": {
      const { id, duplicate } = await coordinator.publish(topic, payload, { key });
      return { outcome: duplicate ? "known" : "stored", id };
    }
    case "emitter": {
      const emitter = topic.replace(/\.(.)/, (_, first: string) => first.toUpperCase());
      const emit = coordinator.emitters[emitter as keyof typeof coordinator.emitters];
      const { id, duplicate } = await emit(payload, { key });
      return { outcome: duplicate ? "known" : "stored", id };
    }
    case "queue": {
      const { id, duplicate } = await queue.send(typeOf(topic) as "ORDER_PLACED", payload, { key });
      return { outcome: duplicate === true ? "known" : "stored", id };
    }
    case "bus":
      return outcomeOf(await bus.publish(topic, payload));
    case "sync":
      bus.publishSync(topic, payload);
      return { outcome: "unsaid" };
    case "stages": {
      const result = STAGES[topic as keyof typeof STAGES];
      return outcomeOf(await stages.emit({ ...result, ...payload }));
    }
    default:
      return via satisfies never;
  }
}

/** A delivery of a bus. */
interface Delivered {
  readonly event: { readonly id: string };
  readonly errors: readonly unknown[];
  readonly dropped?: string;
}

function outcomeOf({ event, errors, dropped }: Delivered): Came {
  const { id } = event;
  if (errors.some(isUnstored)) return { outcome: "spooled", id };
  return { outcome: dropped === "duplicate" ? "known" : "stored", id };
}

/** Whether an error, or what caused it, says that the event isn't stored yet. */
function isUnstored(error: unknown): boolean {
  if (codeOf(error) === "NOT_STORED") return true;
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isUnstored)) return true;
  return error.cause !== undefined && isUnstored(error.cause);
}

/** The code of an error, or its name. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
