import type { MsgRequest, StoredMsg } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import type { Connection } from "../connection/connection.ts";
import { Cursor } from "./cursor.ts";
import { HEADER } from "./event-message.ts";
import { isConflict, isNotFound } from "../server/nats-errors.ts";
import type { Names } from "../server/names.ts";
import { readSubjects } from "./read-subjects.ts";

/** A document of the state stream. */
export interface StateEntry {
  readonly subject: string;
  readonly text: string;
  /** Changes with every write: what `swap` compares. */
  readonly revision: number;
  /** When it was written, by the server's clock. */
  readonly time: number;
  /** Of documents that hold an event. */
  readonly headers?: MsgHdrs | undefined;
}

/** What is written with a document. */
export interface SwapOptions {
  /** Of documents that hold an event. */
  readonly headers?: MsgHdrs | undefined;
  /** The server removes it after so long. */
  readonly lastsMs?: number | undefined;
}

/** How many documents are read, and removed, at once. */
const PAGE = 100;
const MOST_PAGES = 50;

/**
 * Small documents by subject, in a stream that keeps the newest of each: what a group is, who claimed it, what
 * is known of events that aren't plain first deliveries. Written by compare-and-set, read from the leader.
 */
export class StateStore {
  readonly #connection: Connection;
  readonly #stream: string;

  constructor(connection: Connection, names: Names) {
    this.#connection = connection;
    this.#stream = names.stateStream;
  }

  async get(subject: string): Promise<StateEntry | undefined> {
    const message = await this.#find({ last_by_subj: subject });
    return message === null ? undefined : toEntry(message);
  }

  /** The document of a revision, if it is still that. */
  async at(revision: number): Promise<StateEntry | undefined> {
    const message = await this.#find({ seq: revision });
    return message === null ? undefined : toEntry(message);
  }

  /** The document below a subject with wildcards that was written longest ago. */
  async oldest(filter: string): Promise<StateEntry | undefined> {
    const query = { seq: 1, next_by_subj: filter };
    const message = await this.#find(query);
    return message === null ? undefined : toEntry(message);
  }

  /** Every document below a subject with wildcards. */
  async list(filter: string): Promise<StateEntry[]> {
    const entries: StateEntry[] = [];
    for await (const message of readSubjects(this.#connection, this.#stream, { filter })) {
      entries.push({
        subject: message.subject,
        text: message.text,
        revision: message.position,
        time: message.time,
      });
    }
    return entries;
  }

  /** Writes whatever was there; resolves to the new revision. */
  async put(subject: string, text: string): Promise<number> {
    const { js } = this.#connection;
    const ack = await this.#connection.persist("writing its state", () =>
      js.publish(subject, text, { timeout: 5_000 }),
    );
    return ack.seq;
  }

  /**
   * Writes if the document is still of this revision (0: if there is none); resolves to the new revision, or to
   * `undefined` when somebody else was first.
   */
  async swap(
    subject: string,
    text: string,
    revision: number,
    { headers, lastsMs }: SwapOptions = {},
  ): Promise<number | undefined> {
    const { js } = this.#connection;
    const more = {
      ...(headers !== undefined && { headers }),
      ...(lastsMs !== undefined && { ttl: `${Math.ceil(lastsMs / 1000)}s` }),
    };
    try {
      const ack = await this.#connection.persist("writing its state", async (tries) => {
        try {
          const expect = { lastSubjectSequence: revision };
          return await js.publish(subject, text, { expect, timeout: 5_000, ...more });
        } catch (error) {
          if (tries === 1 || !isConflict(error)) throw error;
          // The answer to an earlier try may have been lost: it is ours when it holds what we wrote.
          const entry = await this.get(subject);
          if (entry === undefined || entry.text !== text || idOf(entry) !== headers?.get(HEADER.id))
            throw error;
          return { seq: entry.revision };
        }
      });
      return ack.seq;
    } catch (error) {
      if (isConflict((error as Error).cause ?? error)) return undefined;
      throw error;
    }
  }

  /** Removes this revision of a document, and no other. `false` when it is gone. */
  async remove(revision: number): Promise<boolean> {
    const { jsm } = this.#connection;
    try {
      return await this.#connection.persist("removing its state", () =>
        jsm.streams.deleteMessage(this.#stream, revision, false),
      );
    } catch (error) {
      if (isNotFound((error as Error).cause ?? error)) return false;
      throw error;
    }
  }

  /**
   * Removes documents below a subject that are `done`, those first that were written longest ago, until one isn't:
   * some thousands at most.
   */
  async removeOldest(filter: string, done: (entry: StateEntry) => boolean): Promise<void> {
    const first = await this.oldest(filter);
    if (first === undefined || !done(first)) return;
    const cursor = new Cursor(this.#connection, this.#stream, { filters: [filter] });
    try {
      for (let pages = 0; pages < MOST_PAGES; pages += 1) {
        const page = (await cursor.next(PAGE)).map(
          ({ subject, text, position, time }): StateEntry => ({
            subject,
            text,
            revision: position,
            time,
          }),
        );
        const kept = page.findIndex((entry) => !done(entry));
        const removable = kept < 0 ? page : page.slice(0, kept);
        await Promise.all(removable.map(({ revision }) => this.remove(revision)));
        if (kept >= 0 || page.length < PAGE) return;
      }
    } finally {
      await cursor.close();
    }
  }

  /** Removes every document below a subject. */
  async purge(filter: string): Promise<void> {
    const { jsm } = this.#connection;
    await this.#connection.persist("removing its state", () =>
      jsm.streams.purge(this.#stream, { filter }),
    );
  }

  #find(query: MsgRequest): Promise<StoredMsg | null> {
    const { jsm } = this.#connection;
    return this.#connection.persist("reading its state", () =>
      jsm.streams.getMessage(this.#stream, query),
    );
  }
}

function toEntry(message: StoredMsg): StateEntry {
  const { subject, seq, timestamp, header } = message;
  return {
    subject,
    text: message.string(),
    revision: seq,
    time: Date.parse(timestamp),
    headers: header,
  };
}

function idOf({ headers }: StateEntry): string | undefined {
  return headers?.get(HEADER.id) || undefined;
}
