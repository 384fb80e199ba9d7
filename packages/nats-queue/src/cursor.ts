import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { nanos, type Msg } from "@nats-io/transport-node";
import type { Connection } from "./connection.ts";
import { isNotFound } from "./nats-errors.ts";
import { type ConsumerAddress, pullNow } from "./pull.ts";
import { type RawMessage, rawMessage } from "./raw-message.ts";

/** The server removes a reader's consumer that nobody has asked for so long. */
const INACTIVE_MS = 60_000;
/** Most messages of one pull: bounds what is in memory. */
const LARGEST_PULL = 500;

/** What a cursor reads. */
export interface CursorRange {
  /** Subjects; none for all of the stream. */
  readonly filters: readonly string[];
  /** Positions above this one. */
  readonly after?: number | undefined;
  /** Stored at or after this moment by the server's clock; in place of `after`. */
  readonly since?: number | undefined;
  /** Whether the messages come without their data. @default false */
  readonly headersOnly?: boolean | undefined;
}

/**
 * Reads a stream in order through a consumer of its own, in the server's memory, without acks. It has no effect
 * on anyone, and is made anew behind the last message when the server has lost it.
 */
export class Cursor {
  readonly filters: readonly string[];
  readonly #connection: Connection;
  readonly #stream: string;
  readonly #range: CursorRange;
  #address: ConsumerAddress | undefined;
  /** Position of the last message read. */
  #last: number | undefined;
  #askedAt = 0;
  /** Position behind which it began, once it is known. */
  #start = 0;
  #pending = 0;

  constructor(connection: Connection, stream: string, range: CursorRange) {
    this.#connection = connection;
    this.#stream = stream;
    this.#range = range;
    this.filters = range.filters;
  }

  /** Up to `limit` messages; fewer than that, and at most {@link LARGEST_PULL}: no more are there now. */
  async next(limit: number): Promise<RawMessage[]> {
    const batch = Math.min(limit, LARGEST_PULL);
    const found: RawMessage[] = [];
    for (;;) {
      const { messages, gone } = await this.#connection.persist("reading events", async () => {
        const made = await this.#open();
        this.#askedAt = performance.now();
        if (made && this.#pending === 0) return { messages: [], gone: false };
        return this.#pull(batch - found.length);
      });
      found.push(...messages.map((message) => rawMessage(message)));
      if (!gone || found.length >= batch) return found;
      this.#address = undefined;
    }
  }

  /** Position behind which it began: that of the last message before its range. */
  async start(): Promise<number> {
    await this.#connection.persist("reading events", () => this.#open());
    return this.#start;
  }

  /** How many messages it has still to read, when it was just made. */
  async count(): Promise<number> {
    await this.#connection.persist("reading events", () => this.#open());
    return this.#pending;
  }

  async close(): Promise<void> {
    const address = this.#address;
    this.#address = undefined;
    if (address === undefined) return;
    const { jsm } = this.#connection;
    await jsm.consumers.delete(address.stream, address.consumer).catch(() => {});
  }

  async #pull(batch: number): Promise<{ messages: Msg[]; gone: boolean }> {
    const address = this.#address;
    if (address === undefined) return { messages: [], gone: true };
    try {
      const pulled = await pullNow(this.#connection, address, batch);
      const last = pulled.messages.at(-1);
      if (last !== undefined) this.#last = rawMessage(last).position;
      return pulled;
    } catch (error) {
      // What was under way is lost with the consumer; a new one begins behind what has come.
      this.#address = undefined;
      throw error;
    }
  }

  /** Whether it made the consumer just now. */
  async #open(): Promise<boolean> {
    const isStale = performance.now() - this.#askedAt > INACTIVE_MS / 2;
    if (this.#address !== undefined && !isStale) return false;
    await this.close();
    const info = await this.#connection.jsm.consumers.add(this.#stream, this.#config());
    this.#address = { stream: this.#stream, consumer: info.name };
    this.#start = info.delivered.stream_seq;
    this.#pending = info.num_pending;
    return true;
  }

  #config(): Partial<ConsumerConfig> {
    const { filters, after = 0, since, headersOnly = false } = this.#range;
    const from = this.#last ?? after;
    const [only] = filters;
    return {
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(INACTIVE_MS),
      ...(headersOnly && { headers_only: true }),
      ...(since !== undefined && this.#last === undefined
        ? {
            deliver_policy: DeliverPolicy.StartTime,
            opt_start_time: new Date(since).toISOString(),
          }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from + 1 }),
      ...(filters.length > 1
        ? { filter_subjects: [...filters] }
        : only !== undefined && { filter_subject: only }),
    };
  }
}

/** How many messages of a range a stream has; 0 when there is no such stream. */
export async function countMessages(
  connection: Connection,
  stream: string,
  range: CursorRange,
): Promise<number> {
  const cursor = new Cursor(connection, stream, range);
  try {
    return await cursor.count();
  } catch (error) {
    if (isNotFound((error as Error).cause)) return 0;
    throw error;
  } finally {
    await cursor.close();
  }
}
