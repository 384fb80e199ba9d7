import type { MsgHdrs } from "@nats-io/transport-node";
import { QueueError, type StoredEvent } from "@ringrift/event-queue";
import type { OutgoingRecord } from "@ringrift/event-queue/backend";
import { publishBatch } from "./atomic-batch.ts";
import type { Connection } from "../connection/connection.ts";
import type { EventLog } from "../log/event-log.ts";
import { eventOf, HEADER, isRepeatable, messageId } from "../messages/event-message.ts";
import type { InFlight } from "./in-flight.ts";
import type { Names } from "../server/names.ts";
import { isRepeatedInBatch, mostOfBatch, unreachable } from "../server/nats-errors.ts";
import { firstOf, requireSame } from "../log/repeated-send.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { StoredIds } from "../log/stored-ids.ts";

/** Messages that a server takes in one batch, unless it is set otherwise. */
const MOST = 1_000;

/** An event with the headers of its message. */
export interface OutgoingMessage {
  readonly record: OutgoingRecord;
  readonly headers: MsgHdrs;
}

/** The parts of an engine that batches work with. */
export interface BatchParts {
  readonly connection: Connection;
  readonly names: Names;
  readonly log: EventLog;
  readonly clock: ServerClock;
  readonly ids: StoredIds;
  readonly inFlight: InFlight;
}

/** Stores events in atomic batches of the server. */
export class Batches {
  readonly #parts: BatchParts;
  /** Becomes smaller when the server says that it takes fewer. */
  #most = MOST;

  constructor(parts: BatchParts) {
    this.#parts = parts;
  }

  /**
   * Stores all or none, up to 1,000 or what the server takes in one batch. What is more goes batch by batch, each of
   * which is stored as a whole or not; after one that failed no other one is sent.
   *
   * @throws QueueError (rejects) whose message says what is stored
   */
  async store(messages: readonly OutgoingMessage[]): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    while (events.length < messages.length) {
      const batch = messages.slice(events.length, events.length + this.#most);
      try {
        const stored = await this.#parts.inFlight.run(batch.length, () => this.#storeOne(batch));
        events.push(...stored);
      } catch (error) {
        const most = mostOfBatch(error);
        if (most === undefined || most >= batch.length) {
          throw withCount(error, {
            all: messages.length,
            stored: events.length,
            under: batch.length,
          });
        }
        this.#most = most;
      }
    }
    return events;
  }

  async #storeOne(batch: readonly OutgoingMessage[]): Promise<StoredEvent[]> {
    const { connection } = this.#parts;
    const byId = new Map<string, OutgoingMessage>();
    for (const message of batch) {
      const id = messageId(message.record);
      if (!byId.has(id)) byId.set(id, message);
    }
    const events = new Map<OutgoingMessage, StoredEvent>();
    await connection.persist("storing events", async (tries) => {
      for (;;) {
        const left = [...byId.values()].filter((message) => !events.has(message));
        if (left.length === 0) return;
        const first = await this.#publish(left, tries).catch((error: unknown) => {
          if (!isRepeatedInBatch(error)) throw error;
        });
        if (first !== undefined) {
          left.forEach((message, index) => events.set(message, stored(message, first + index)));
          break;
        }
        const known = await this.#known(left, tries > 1);
        // What the server knew a moment ago it has forgotten, or doesn't say yet.
        if (known.size === 0) throw unreachable("storing events");
        for (const [message, event] of known) events.set(message, event);
      }
    });
    await this.#note(events);
    return batch.map((message) => {
      const first = byId.get(messageId(message.record));
      const event = first && events.get(first);
      if (event === undefined) throw new Error("An event of a batch has no result.");
      if (first === message) return event;
      requireSame(message.record, event);
      return { ...event, duplicate: true };
    });
  }

  #publish(messages: readonly OutgoingMessage[], tries: number): Promise<number> {
    const { connection, names, clock } = this.#parts;
    const batch = messages.map(({ record, headers }) => {
      if (tries > 1) headers.set(HEADER.storedAt, String(clock.now()));
      const subject = names.event(record.type, record.key);
      return { subject, body: record.body, messageId: messageId(record), headers };
    });
    return publishBatch(connection, batch, tries > 1);
  }

  /** Those that the server knows already: it refuses a batch with any of them, and doesn't say which. */
  async #known(
    messages: readonly OutgoingMessage[],
    isRetry: boolean,
  ): Promise<Map<OutgoingMessage, StoredEvent>> {
    const { names, log } = this.#parts;
    const known = new Map<OutgoingMessage, StoredEvent>();
    await Promise.all(
      messages.map(async (message) => {
        const { record, headers } = message;
        if (!isRetry && !isRepeatable(record)) return;
        const subject = names.event(record.type, record.key);
        const { position } = await log.recall(subject, messageId(record));
        if (position === undefined) return;
        const storedAt = Number(headers.get(HEADER.storedAt));
        known.set(message, await firstOf(log, { record, position, storedAt, isRetry }));
      }),
    );
    return known;
  }

  async #note(events: ReadonlyMap<OutgoingMessage, StoredEvent>): Promise<void> {
    const { ids } = this.#parts;
    await Promise.all(
      [...events].map(async ([{ record }, { position, duplicate }]) => {
        if (duplicate !== true) await ids.stored(record, position);
      }),
    );
  }
}

function stored({ record, headers }: OutgoingMessage, position: number): StoredEvent {
  return eventOf(record, position, Number(headers.get(HEADER.storedAt)));
}

/** The error of a call, with what is stored of it. */
function withCount(error: unknown, count: Count): QueueError {
  const text = countText(count, error instanceof QueueError && error.code !== "SERVER_UNREACHABLE");
  if (error instanceof QueueError) {
    return new QueueError(error.code, `${error.message} ${text}`, { cause: error });
  }
  return new QueueError("STORAGE_FAILED", `Storing events failed. ${text} See cause.`, {
    cause: error,
  });
}

/** How many events a call has, how many of them are stored, and how many come next in the batch that failed. */
interface Count {
  readonly all: number;
  readonly stored: number;
  readonly under: number;
}

/** @param isRefused - whether the server surely has nothing of the batch that failed */
function countText({ all, stored: first, under }: Count, isRefused: boolean): string {
  const call = `${all} events of this call`;
  if (isRefused) {
    return first === 0
      ? `Of the ${call} nothing is stored.`
      : `Of the ${call} the first ${first} are stored, and nothing of the others.`;
  }
  if (under === all) return `The ${call} may be stored, all of them or none.`;
  const before = first === 0 ? "the first" : `the first ${first} are stored; the next`;
  return `Of the ${call} ${before} ${under} may be stored, all of them or none, and nothing of the others.`;
}
