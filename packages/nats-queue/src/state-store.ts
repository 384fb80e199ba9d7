import type { Connection } from "./connection.ts";
import { isConflict, isNotFound } from "./nats-errors.ts";
import type { Names } from "./names.ts";
import { readSubjects } from "./read-subjects.ts";

/** A document of the state stream. */
export interface StateEntry {
  readonly subject: string;
  readonly text: string;
  /** Changes with every write: what `swap` compares. */
  readonly revision: number;
  /** When it was written, by the server's clock. */
  readonly time: number;
}

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
    const { jsm } = this.#connection;
    const message = await this.#connection.persist("reading its state", () =>
      jsm.streams.getMessage(this.#stream, { last_by_subj: subject }),
    );
    if (message === null) return undefined;
    const { seq, timestamp } = message;
    return { subject, text: message.string(), revision: seq, time: Date.parse(timestamp) };
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
  async swap(subject: string, text: string, revision: number): Promise<number | undefined> {
    const { js } = this.#connection;
    try {
      const ack = await this.#connection.persist("writing its state", async (tries) => {
        try {
          const expect = { lastSubjectSequence: revision };
          return await js.publish(subject, text, { expect, timeout: 5_000 });
        } catch (error) {
          if (tries === 1 || !isConflict(error)) throw error;
          // The answer to an earlier try may have been lost: it is ours when it holds what we wrote.
          const entry = await this.get(subject);
          if (entry === undefined || entry.text !== text) throw error;
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

  /** Removes every document below a subject. */
  async purge(filter: string): Promise<void> {
    const { jsm } = this.#connection;
    await this.#connection.persist("removing its state", () =>
      jsm.streams.purge(this.#stream, { filter }),
    );
  }
}
