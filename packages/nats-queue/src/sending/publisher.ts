import type { PubAck } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { QueueError, type StoredEvent } from "@ringrift/event-queue";
import { type OutgoingRecord, placeOf } from "@ringrift/event-queue/backend";
import { Batches, type OutgoingMessage } from "./batches.ts";
import type { Connection } from "../connection/connection.ts";
import type { DelayedEvents } from "../log/delayed-events.ts";
import {
  eventHeaders,
  eventOf,
  HEADER,
  idOfEvent,
  isRepeatable,
  messageId,
} from "../messages/event-message.ts";
import type { EventLog } from "../log/event-log.ts";
import { InFlight } from "./in-flight.ts";
import type { Names } from "../server/names.ts";
import { firstOf, requireSame, requireSameId } from "../log/repeated-send.ts";
import type { StoredIds } from "../log/stored-ids.ts";
import type { ServerClock } from "../connection/server-clock.ts";

/** Kept free in each message, so that an event can become a dead letter with its error. */
export const LETTER_BYTES = 16_384;
/** More than checked headers and a lineage can be, escaped as JSON. */
const MOST_HEADER_BYTES = 131_072;
/** How long one try waits for the server's answer. */
const TRY_MS = 2_000;
/** Documents that are asked for at once. */
const PAGE = 1_000;

/** Stores events: one message each, in the order given, resolved when the stream has acknowledged it. */
export class Publisher {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #log: EventLog;
  readonly #clock: ServerClock;
  readonly #delayed: DelayedEvents;
  readonly #ids: StoredIds;
  readonly #inFlight = new InFlight();
  readonly #batches: Batches;

  constructor(parts: {
    readonly connection: Connection;
    readonly names: Names;
    readonly log: EventLog;
    readonly clock: ServerClock;
    readonly delayed: DelayedEvents;
    readonly ids: StoredIds;
  }) {
    this.#connection = parts.connection;
    this.#names = parts.names;
    this.#log = parts.log;
    this.#clock = parts.clock;
    this.#delayed = parts.delayed;
    this.#ids = parts.ids;
    this.#batches = new Batches({ ...parts, inFlight: this.#inFlight });
  }

  /**
   * Stores all or none, up to what the server takes in one batch; see {@link Batches}. Sending the same ids or dedupe
   * keys again adds none twice.
   *
   * @throws QueueError (rejects) `PAYLOAD_TOO_LARGE` and `ID_TAKEN` before anything is stored, `QUEUE_FULL`,
   * `SERVER_UNREACHABLE`
   */
  async append(records: readonly OutgoingRecord[]): Promise<StoredEvent[]> {
    const messages = records.map((record) => {
      const headers = eventHeaders(record, this.#clock.now());
      this.#checkSize(record, headers);
      return { record, headers };
    });
    const known = await this.#take(records);
    const added: OutgoingRecord[] = [];
    try {
      const some = messages.filter((_, index) => known[index] === undefined);
      const waiting = await this.#delay(some, added);
      const results = messages.map(({ record }, index) => known[index] ?? waiting.get(record));
      const stored = await this.#store(messages.filter((_, index) => results[index] === undefined));
      const events = stored.values();
      return results.map((result) => result ?? events.next().value!);
    } catch (error) {
      // Where nobody knows whether the others are stored, what is delayed stays with them.
      const isRefused = error instanceof QueueError && error.code !== "SERVER_UNREACHABLE";
      if (isRefused) await inPages(added, (record) => this.#delayed.withdraw(record));
      throw error;
    }
  }

  /** Stores them in the order given. */
  async #store(messages: readonly OutgoingMessage[]): Promise<StoredEvent[]> {
    const [first] = messages;
    if (first === undefined || messages.length > 1) return this.#batches.store(messages);
    const publish = (): Promise<StoredEvent> => this.#publish(first.record, first.headers);
    return [await this.#inFlight.run(1, publish)];
  }

  /**
   * Stores those that are delayed, and finds those of the others that wait already. All before the first one is
   * published, so that the order of those is the order given.
   *
   * @param added - gets those that are stored
   */
  async #delay(
    messages: readonly OutgoingMessage[],
    added: OutgoingRecord[],
  ): Promise<Map<OutgoingRecord, StoredEvent | undefined>> {
    const some = messages.filter(({ record }) => record.delayMs > 0 || isRepeatable(record));
    const found = await inPages(some, async ({ record, headers }) => {
      const event = await (record.delayMs > 0
        ? this.#delayed.add(record, headers)
        : this.#delayed.find(record));
      if (event?.duplicate !== true && record.delayMs > 0) added.push(record);
      requireSame(record, event);
      return [record, event] as const;
    });
    return new Map(found);
  }

  /** Takes the ids of all before anything is stored; those that are stored already are given back. */
  async #take(records: readonly OutgoingRecord[]): Promise<(StoredEvent | undefined)[]> {
    if (records.every(({ fresh }) => fresh)) return [];
    return inPages(records, async (record) => {
      if (record.fresh || (await this.#isKeyKnown(record))) return undefined;
      const stored = (await this.#ids.take(record)) ?? (await this.#storedById(record));
      return stored && { ...stored, duplicate: true as const };
    });
  }

  /** What the server knows by its id, where it is asked by a dedupe key otherwise. */
  async #storedById(record: OutgoingRecord): Promise<StoredEvent | undefined> {
    if (record.dedupeKey === undefined) return undefined;
    const { type, key, lineage } = record;
    const { position } = await this.#log.recall(this.#names.event(type, key), idOfEvent(record));
    const first = position === undefined ? undefined : await this.#log.at(position);
    if (first?.id !== lineage.id) return undefined;
    requireSameId(record, first);
    return first;
  }

  /** Whether the dedupe key will answer: it does so first. */
  async #isKeyKnown(record: OutgoingRecord): Promise<boolean> {
    if (record.dedupeKey === undefined) return false;
    if ((await this.#delayed.find(record)) !== undefined) return true;
    const subject = this.#names.event(record.type, record.key);
    const { position } = await this.#log.recall(subject, messageId(record));
    return position !== undefined;
  }

  async #publish(record: OutgoingRecord, headers: MsgHdrs): Promise<StoredEvent> {
    const subject = this.#names.event(record.type, record.key);
    const msgID = messageId(record);
    let tries = 0;
    const ack = await this.#connection.persist("storing an event", (count): Promise<PubAck> => {
      tries = count;
      if (count > 1) headers.set(HEADER.storedAt, String(this.#clock.now()));
      const timeout = Math.min(TRY_MS, this.#connection.patienceMs);
      return this.#connection.js.publish(subject, record.body, { msgID, headers, timeout });
    });
    const storedAt = Number(headers.get(HEADER.storedAt));
    if (ack.duplicate) {
      return firstOf(this.#log, { record, position: ack.seq, storedAt, isRetry: tries > 1 });
    }
    await this.#ids.stored(record, ack.seq);
    return eventOf(record, ack.seq, storedAt);
  }

  #checkSize({ body, type, index }: OutgoingRecord, headers: MsgHdrs): void {
    const most = this.#connection.maxMessageBytes - LETTER_BYTES;
    // A UTF-16 unit is at most three bytes: what is short needs no counting.
    if (body.length * 3 + MOST_HEADER_BYTES <= most) return;
    let bytes = Buffer.byteLength(body);
    for (const [name, values] of headers) bytes += name.length + Buffer.byteLength(values.join(""));
    if (bytes <= most) return;
    throw new QueueError(
      "PAYLOAD_TOO_LARGE",
      `${placeOf(index)}Event "${type}" is ${bytes} bytes with its headers; the NATS server takes ${most} (its max_payload of ${this.#connection.maxMessageBytes}, less ${LETTER_BYTES} for what a dead letter adds). Store the data elsewhere and send where it is, or raise max_payload.`,
    );
  }
}

/**
 * Does the same for all, in order: so many at once that the server answers the last one in time. When it rejects
 * nothing is under way any more.
 */
async function inPages<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (let from = 0; from < items.length; from += PAGE) {
    const results = await Promise.allSettled(items.slice(from, from + PAGE).map(work));
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
      done.push(result.value);
    }
  }
  return done;
}
