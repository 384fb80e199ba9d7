import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import type { Connection } from "../connection/connection.ts";
import { isNotFound } from "../server/nats-errors.ts";
import { type ConsumerAddress, type Pulled, pullNow } from "./pull-request.ts";
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

/** Its consumer in the server. */
interface OpenedCursor {
  readonly address: ConsumerAddress;
  /** Position behind which it began. */
  readonly start: number;
  /** How many messages it had to read when it was made. */
  readonly pending: number;
  /** On the monotone clock. */
  readonly usedAt: number;
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
  #opened: OpenedCursor | undefined;
  /** Position of the last message read. */
  #last: number | undefined;

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
      const { opened, messages, end, link } = await this.#pull(batch - found.length);
      found.push(...messages.map((message) => rawMessage(message, link)));
      this.#last = found.at(-1)?.position ?? this.#last;
      const isDone = end === "full" || end === "empty";
      if (isDone || end === "limited") this.#opened = opened;
      if (isDone) return found;
    }
  }

  /** Position behind which it began: that of the last message before its range. */
  async start(): Promise<number> {
    this.#opened = await this.#connection.persist("reading events", () => this.#open());
    return this.#opened.start;
  }

  /** How many messages it has still to read, when it was just made. */
  async count(): Promise<number> {
    this.#opened = await this.#connection.persist("reading events", () => this.#open());
    return this.#opened.pending;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened !== undefined) await this.#delete(opened);
  }

  /**
   * One pull. What an attempt was sent that failed is lost with its consumer, which doesn't send it again: the next
   * attempt makes one that begins behind what has come. Nothing is kept of an attempt before it has succeeded,
   * for one that was given up may still be answered.
   */
  #pull(batch: number): Promise<Pulled & { readonly opened: OpenedCursor | undefined }> {
    const kept = this.#opened;
    this.#opened = undefined;
    const isStale = performance.now() - (kept?.usedAt ?? 0) > INACTIVE_MS / 2;
    if (kept !== undefined && isStale) void this.#delete(kept);
    return this.#connection.persist("reading events", async (tries) => {
      const isKept = kept !== undefined && !isStale && tries === 1;
      const opened = isKept ? kept : await this.#open();
      const usedAt = performance.now();
      if (!isKept && opened.pending === 0) {
        return { messages: [], end: "empty", link: this.#connection.link, opened };
      }
      const pulled = await pullNow(this.#connection, opened.address, batch);
      return { ...pulled, opened: { ...opened, usedAt } };
    });
  }

  async #open(): Promise<OpenedCursor> {
    const info = await this.#connection.jsm.consumers.add(this.#stream, this.#config());
    return {
      address: { stream: this.#stream, consumer: info.name },
      start: info.delivered.stream_seq,
      pending: info.num_pending,
      usedAt: performance.now(),
    };
  }

  async #delete({ address }: OpenedCursor): Promise<void> {
    const { jsm } = this.#connection;
    await jsm.consumers.delete(address.stream, address.consumer).catch(() => {});
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
