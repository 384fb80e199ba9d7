import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { QueueError } from "@ringrift/event-queue";
import type { Connection } from "./connection.ts";
import { isNotFound, isUnreachable, toQueueError } from "../server/nats-errors.ts";
import type { Names } from "../server/names.ts";
import type { CheckedOptions } from "../server/options.ts";

/** Grows when the layout changes in a way that this version can't read. */
const SCHEMA = 1;
const MARK = "RingRift queue, schema ";
const DEFAULT_WINDOW_MS = 600_000;
/** Another stream has these subjects, or there is one of this name with another configuration. */
const TAKEN: ReadonlySet<number> = new Set([10_058, 10_065]);

/**
 * Makes the streams of a queue, or checks those there are and brings them to the given options. Idempotent;
 * several instances may do it at once.
 *
 * @throws QueueError (rejects) `NOT_A_QUEUE`, `SCHEMA_TOO_NEW`, `QUEUE_FULL`, `SERVER_UNREACHABLE`, …
 */
export async function setUpStreams(
  connection: Connection,
  names: Names,
  options: CheckedOptions,
): Promise<void> {
  const { limits, dedupeWindowMs, replicas } = options;
  const { maxAgeMs, maxEvents, maxBytes } = limits;
  const bounds: Partial<StreamConfig> = {
    ...(maxAgeMs !== undefined && { max_age: nanos(maxAgeMs) }),
    ...(maxEvents !== undefined && { max_msgs: maxEvents }),
    ...(maxBytes !== undefined && { max_bytes: maxBytes }),
  };
  const window = windowOf(dedupeWindowMs, maxAgeMs);
  await ensureStream(connection, {
    name: names.stream,
    kind: "events",
    subjects: [names.allEvents],
    // What is acknowledged is never dropped to make room: new events are refused instead.
    byDefault: { discard: DiscardPolicy.New, duplicate_window: nanos(window) },
    given: {
      allow_atomic: true,
      ...bounds,
      ...(dedupeWindowMs !== undefined && { duplicate_window: nanos(window) }),
      ...(replicas !== undefined && { num_replicas: replicas }),
    },
  });
  for (const [name, kind, subjects, allowed] of [
    [
      names.deadStream,
      "dead letters",
      [".dead.>", ".dead-copy.>", ".redrive.>"].map((rest) => names.stream + rest),
      {},
    ],
    // Some of what is noted of deliveries is forgotten after a while.
    [names.stateStream, "state", [`${names.stream}.state.>`], { allow_msg_ttl: true }],
  ] as const) {
    await ensureStream(connection, {
      name,
      kind,
      subjects,
      byDefault: { max_msgs_per_subject: 1 },
      given: { ...allowed, ...(replicas !== undefined && { num_replicas: replicas }) },
    });
  }
}

/** One stream as a queue wants it. */
interface WantedStream {
  readonly name: string;
  readonly kind: string;
  readonly subjects: readonly string[];
  readonly byDefault: Partial<StreamConfig>;
  /** What somebody asked for, or a queue stands on; only this changes a stream that exists. */
  readonly given: Partial<StreamConfig>;
}

async function ensureStream(connection: Connection, wanted: WantedStream): Promise<void> {
  const { name, byDefault, given } = wanted;
  const found = await connection.persist("opening its streams", () => find(connection, name));
  if (found === undefined) {
    const config = {
      name,
      description: `${MARK}${SCHEMA}: ${wanted.kind}`,
      subjects: [...wanted.subjects],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      ...byDefault,
      ...given,
    };
    try {
      await connection.persist("making its streams", () => connection.jsm.streams.add(config));
    } catch (error) {
      // Another instance may have made it with other options a moment ago.
      const now = await find(connection, name).catch(() => undefined);
      if (now === undefined) throw notMade(error, wanted);
      check(now, wanted);
    }
    return;
  }
  check(found, wanted);
  const differs = Object.entries(given).some(
    ([field, value]) => found.config[field as keyof StreamConfig] !== value,
  );
  if (!differs) return;
  await connection.persist("changing its streams", () =>
    connection.jsm.streams.update(name, { ...found.config, ...given }),
  );
}

async function find(connection: Connection, name: string): Promise<StreamInfo | undefined> {
  try {
    return await connection.jsm.streams.info(name);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function check({ config }: StreamInfo, { name, subjects }: WantedStream): void {
  const { description = "" } = config;
  const schema = description.startsWith(MARK)
    ? Number.parseInt(description.slice(MARK.length), 10)
    : Number.NaN;
  const isOurs =
    Number.isInteger(schema) && subjects.every((subject) => config.subjects.includes(subject));
  if (!isOurs) {
    throw new QueueError(
      "NOT_A_QUEUE",
      `The stream "${name}" is something else's (${description === "" ? "it has no description" : `"${description}"`}; subjects ${config.subjects.join(", ")}). Give another "stream", or delete that one if nobody needs it. It stays as it is.`,
    );
  }
  if (schema > SCHEMA) {
    throw new QueueError(
      "SCHEMA_TOO_NEW",
      `The stream "${name}" was made by a newer version of this package (schema ${schema}; this one knows ${SCHEMA}). Update this program.`,
    );
  }
}

function notMade(error: unknown, { name, subjects }: WantedStream): Error {
  const code = errorCode(error);
  if (code !== undefined && TAKEN.has(code)) {
    return new QueueError(
      "NOT_A_QUEUE",
      `The stream "${name}" can't be made: another stream has subjects of ${subjects.join(", ")}. Give another "stream", or change that one.`,
      { cause: error },
    );
  }
  return isUnreachable(error) ? toQueueError(error, "making its streams") : (error as Error);
}

function errorCode(error: unknown): number | undefined {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return undefined;
  return typeof cause.code === "number" ? cause.code : undefined;
}

/** The server wants the window no longer than events live. */
function windowOf(dedupeWindowMs: number | undefined, maxAgeMs: number | undefined): number {
  return Math.min(dedupeWindowMs ?? DEFAULT_WINDOW_MS, maxAgeMs ?? Number.POSITIVE_INFINITY);
}
