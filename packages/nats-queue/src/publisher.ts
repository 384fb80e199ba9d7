import type { PubAck } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { QueueError, type StoredEvent } from "@ringrift/event-queue";
import { type OutgoingRecord, placeOf, requireSameEvent } from "@ringrift/event-queue/backend";
import type { Connection } from "./connection.ts";
import type { DelayedEvents } from "./delayed-events.ts";
import { eventHeaders, eventOf, HEADER, isRepeatable, messageId } from "./event-message.ts";
import type { EventLog } from "./event-log.ts";
import type { Names } from "./names.ts";
import type { StoredIds } from "./stored-ids.ts";
import type { ServerClock } from "./server-clock.ts";

/** Kept free in each message, so that an event can become a dead letter with its error. */
export const LETTER_BYTES = 16_384;
/** More than checked headers and a lineage can be, escaped as JSON. */
const MOST_HEADER_BYTES = 131_072;
/** How long one try waits for the server's answer. */
const TRY_MS = 2_000;

/** An event with the headers of its message. */
interface OutgoingMessage {
  readonly record: OutgoingRecord;
  readonly headers: MsgHdrs;
}

/** Stores events: one message each, in the order given, resolved when the stream has acknowledged it. */
export class Publisher {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #log: EventLog;
  readonly #clock: ServerClock;
  readonly #delayed: DelayedEvents;
  readonly #ids: StoredIds;

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
  }

  /**
   * Stores all. The server has no transaction for this: when it fails in the middle, the first ones are stored,
   * and sending the same ids or dedupe keys again adds none twice.
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
    const waiting = await this.#delay(messages.filter((_, index) => known[index] === undefined));
    const results = await Promise.allSettled(
      messages.map(
        async ({ record, headers }, index) =>
          known[index] ?? waiting.get(record) ?? this.#publish(record, headers),
      ),
    );
    const events: StoredEvent[] = [];
    for (const result of results) {
      if (result.status === "rejected") throw result.reason;
      events.push(result.value);
    }
    return events;
  }

  /**
   * Stores those that are delayed, and finds those of the others that wait already. All before the first one is
   * published, so that the order of those is the order given.
   */
  async #delay(
    messages: readonly OutgoingMessage[],
  ): Promise<Map<OutgoingRecord, StoredEvent | undefined>> {
    const some = messages.filter(({ record }) => record.delayMs > 0 || isRepeatable(record));
    const found = await Promise.all(
      some.map(async ({ record, headers }) => {
        const event = await (record.delayMs > 0
          ? this.#delayed.add(record, headers)
          : this.#delayed.find(record));
        this.#requireSame(record, event);
        return [record, event] as const;
      }),
    );
    return new Map(found);
  }

  /** Takes the ids of all before anything is stored; those that are stored already are given back. */
  async #take(records: readonly OutgoingRecord[]): Promise<(StoredEvent | undefined)[]> {
    if (records.every(({ fresh }) => fresh)) return [];
    return Promise.all(
      records.map(async (record) => {
        if (record.fresh || (await this.#isKeyKnown(record))) return undefined;
        const stored = await this.#ids.take(record);
        return stored && { ...stored, duplicate: true as const };
      }),
    );
  }

  /** Whether the dedupe key will answer: it does so first. */
  async #isKeyKnown(record: OutgoingRecord): Promise<boolean> {
    if (record.dedupeKey === undefined) return false;
    if ((await this.#delayed.find(record)) !== undefined) return true;
    const subject = this.#names.event(record.type, record.key);
    const { position } = await this.#log.recall(subject, messageId(record));
    return position !== undefined;
  }

  /** What has the id must be the event; what has the dedupe key may be another one. */
  #requireSame(record: OutgoingRecord, first: StoredEvent | undefined): void {
    if (record.fresh || first === undefined || first.id !== record.lineage.id) return;
    requireSameEvent(record, { type: first.type, body: JSON.stringify(first.payload) });
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
    const mine = eventOf(record, ack.seq, Number(headers.get(HEADER.storedAt)));
    if (!ack.duplicate) {
      await this.#ids.stored(record, ack.seq);
      return mine;
    }
    const first = await this.#log.at(ack.seq);
    this.#requireSame(record, first);
    // Its event is no longer retained: that it was there is all that is known.
    if (first === undefined) return { ...mine, duplicate: true };
    // The answer to an earlier try of this very send was lost.
    if (tries > 1 && record.fresh && first.id === record.lineage.id) return first;
    return { ...first, duplicate: true };
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
