import { parseStartFrom, type StartFrom } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import {
  type HistoryRequest,
  type LogPage,
  type LogQuery,
  toStoredEvent,
} from "@ringrift/event-queue/backend";
import type { Connection } from "../connection/connection.ts";
import { Cursor, type CursorRange } from "../messages/cursor.ts";
import { CLOCK_SLACK_MS, HEADER, readEvent } from "../messages/event-message.ts";
import type { Names } from "../server/names.ts";
import { isConflict } from "../server/nats-errors.ts";
import type { RawMessage } from "../messages/raw-message.ts";

/** Cursors kept for readers that go on where they were: streams, and `receive` without a group. */
const MOST_CURSORS = 16;
const PAGE = 500;
const NANOS = 1_000_000;
/** How long what is known of the stream's settings is used: another instance may just give it more copies. */
const FRESH_MS = 500;
/** No message has this position, or this id: one that is expected after it is never stored. */
const IMPOSSIBLE = Number.MAX_SAFE_INTEGER;
const NO_MESSAGE = "none";

/** What was read, and how far. */
interface Scan {
  readonly events: StoredEvent[];
  readonly scannedTo: number;
  /** Nothing more was there. */
  readonly ended: boolean;
}

/** How the stream is set, as far as known. */
interface StreamSettings {
  readonly replicas: number;
  readonly windowMs: number;
  /** On the monotone clock: then it is asked for again. */
  readonly until: number;
}

/** Reads the events of a queue, without any effect on anyone. */
export class EventLog {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #onCorrupt: (position: number) => void;
  #known: StreamSettings | undefined;
  /** By what they read and how far they are. */
  readonly #cursors = new Map<string, Cursor>();

  constructor(connection: Connection, names: Names, onCorrupt: (position: number) => void) {
    this.#connection = connection;
    this.#names = names;
    this.#onCorrupt = onCorrupt;
  }

  async newest(): Promise<number> {
    const info = await this.#connection.persist("reading events", () =>
      this.#connection.jsm.streams.info(this.#names.stream),
    );
    return info.state.last_seq;
  }

  /** The position after which a reader begins; beyond the newest is the newest. */
  async startAfter(from: StartFrom): Promise<number> {
    const start = parseStartFrom(from);
    if (start === "beginning") return 0;
    const newest = await this.newest();
    if (start === "now") return newest;
    if ("position" in start) return Math.min(Math.max(start.position - 1, 0), newest);
    return this.#startOfTime(start.time, newest);
  }

  /** Position before the first event that the server has stored at or after a moment, by its clock. */
  async positionBefore(time: number): Promise<number> {
    const cursor = this.#cursor(undefined, { since: time });
    try {
      return await cursor.start();
    } finally {
      await cursor.close();
    }
  }

  async read(query: LogQuery): Promise<LogPage> {
    const { eventTypes, after, limit } = query;
    const cursor = this.#takeCursor(eventTypes, after);
    const scan = await this.#scan(cursor, { eventTypes, after, limit });
    this.#keepCursor(cursor, eventTypes, scan.scannedTo);
    return { events: scan.events, scannedTo: scan.scannedTo };
  }

  async history(request: HistoryRequest): Promise<StoredEvent[]> {
    const { eventTypes, since, until, limit } = request;
    let { after } = request;
    if (since !== undefined) {
      after = Math.max(after, await this.#startOfTime(since, await this.newest()));
    }
    const cursor = this.#cursor(eventTypes, { after });
    const found: StoredEvent[] = [];
    try {
      for (;;) {
        const page = await this.#scan(cursor, {
          eventTypes,
          after,
          limit: Math.min(PAGE, limit - found.length),
        });
        for (const event of page.events) {
          if (since !== undefined && event.storedAt < since) continue;
          if (until !== undefined && event.storedAt >= until) continue;
          found.push(event);
        }
        const last = page.events.at(-1);
        const isPast =
          until !== undefined && last !== undefined && last.storedAt >= until + CLOCK_SLACK_MS;
        if (page.ended || isPast || found.length >= limit) return found;
        after = page.scannedTo;
      }
    } finally {
      await cursor.close();
    }
  }

  /** One stored event; `undefined` when it isn't retained any more, or can't be read. */
  async at(position: number): Promise<StoredEvent | undefined> {
    const message = await this.#connection.persist("reading an event", () =>
      this.#connection.jsm.streams.getMessage(this.#names.stream, { seq: position }),
    );
    if (message === null) return undefined;
    const { subject, header, timestamp } = message;
    const raw = { subject, headers: header, text: message.string(), position };
    const read = readEvent({ ...raw, time: Date.parse(timestamp) }, this.#names, "log");
    return "event" in read ? toStoredEvent(read.event) : undefined;
  }

  /**
   * Where the event is that the server remembers under a message id, and for how long it remembers. It is asked by a
   * message that can't be stored: of one copy of the stream the server looks for a repetition before it looks at the
   * last message id, of several before it looks at the last position. The condition of the other kind would tell
   * nothing, or even stop a stream of several copies.
   */
  async recall(
    subject: string,
    msgID: string,
  ): Promise<{ readonly position: number | undefined; readonly windowMs: number }> {
    const { js } = this.#connection;
    const { replicas, windowMs } = await this.#settings();
    const expect = replicas > 1 ? { lastSubjectSequence: IMPOSSIBLE } : { lastMsgID: NO_MESSAGE };
    try {
      const { duplicate, seq } = await this.#connection.persist("reading events", () =>
        js.publish(subject, "", { msgID, expect }),
      );
      return { position: duplicate ? seq : undefined, windowMs };
    } catch (error) {
      if (isConflict((error as Error).cause ?? error)) return { position: undefined, windowMs };
      throw error;
    }
  }

  /** How long the server remembers message ids. */
  async windowMs(): Promise<number> {
    return (await this.#settings()).windowMs;
  }

  /** Positions of the events that were stored at or after a moment, by id. */
  async positionsSince(time: number): Promise<Map<string, number>> {
    const range = { filters: [], since: time - CLOCK_SLACK_MS, headersOnly: true };
    const cursor = new Cursor(this.#connection, this.#names.stream, range);
    const positions = new Map<string, number>();
    try {
      for (;;) {
        const page = await cursor.next(PAGE);
        for (const { headers, position } of page) {
          positions.set(headers?.get(HEADER.id) ?? "", position);
        }
        if (page.length < PAGE) return positions;
      }
    } finally {
      await cursor.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#cursors.values()].map((cursor) => cursor.close()));
  }

  /** What the stream is set to; somebody changes it once in a blue moon. */
  async #settings(): Promise<StreamSettings> {
    if (this.#known !== undefined && this.#known.until > performance.now()) return this.#known;
    const { config } = await this.#connection.persist("reading events", () =>
      this.#connection.jsm.streams.info(this.#names.stream),
    );
    this.#known = {
      replicas: config.num_replicas,
      windowMs: config.duplicate_window / NANOS,
      until: performance.now() + FRESH_MS,
    };
    return this.#known;
  }

  /** Position before the first event that was stored at or after `time`. */
  async #startOfTime(time: number, newest: number): Promise<number> {
    const cursor = this.#cursor(undefined, { since: time - CLOCK_SLACK_MS });
    try {
      for (;;) {
        const page = await cursor.next(PAGE);
        for (const message of page) {
          const read = readEvent(message, this.#names, "log");
          const { storedAt, position } = "event" in read ? read.event : read.broken;
          if (storedAt >= time) return position - 1;
        }
        if (page.length < PAGE) return newest;
      }
    } finally {
      await cursor.close();
    }
  }

  async #scan(cursor: Cursor, query: LogQuery): Promise<Scan> {
    const { limit } = query;
    const events: StoredEvent[] = [];
    let scannedTo = query.after;
    while (events.length < limit) {
      const asked = Math.min(PAGE, limit - events.length);
      const page = await cursor.next(asked);
      for (const message of page) {
        scannedTo = message.position;
        const event = this.#eventOf(message);
        if (event === undefined) continue;
        events.push(event);
      }
      if (page.length < asked) return { events, scannedTo, ended: true };
    }
    return { events, scannedTo, ended: false };
  }

  #eventOf(message: RawMessage): StoredEvent | undefined {
    const read = readEvent(message, this.#names, "log");
    if ("broken" in read) {
      this.#onCorrupt(message.position);
      return undefined;
    }
    try {
      return toStoredEvent(read.event);
    } catch {
      this.#onCorrupt(message.position);
      return undefined;
    }
  }

  #cursor(
    eventTypes: readonly string[] | undefined,
    range: Pick<CursorRange, "after" | "since">,
  ): Cursor {
    const filters = eventTypes?.map((type) => this.#names.eventsOf(type)) ?? [];
    return new Cursor(this.#connection, this.#names.stream, { filters, ...range });
  }

  #takeCursor(eventTypes: readonly string[] | undefined, after: number): Cursor {
    const key = cursorKey(eventTypes, after);
    const kept = this.#cursors.get(key);
    this.#cursors.delete(key);
    return kept ?? this.#cursor(eventTypes, { after });
  }

  #keepCursor(cursor: Cursor, eventTypes: readonly string[] | undefined, at: number): void {
    const key = cursorKey(eventTypes, at);
    void this.#cursors.get(key)?.close();
    this.#cursors.set(key, cursor);
    const [oldest] = this.#cursors;
    if (this.#cursors.size > MOST_CURSORS && oldest !== undefined) {
      this.#cursors.delete(oldest[0]);
      void oldest[1].close();
    }
  }
}

function cursorKey(eventTypes: readonly string[] | undefined, at: number): string {
  return `${at} ${eventTypes?.join(" ") ?? ""}`;
}
