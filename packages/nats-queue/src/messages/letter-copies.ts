import { headers as newHeaders, type MsgHdrs } from "@nats-io/transport-node";
import type { Connection } from "../connection/connection.ts";
import { HEADER, type MessageSource } from "./event-message.ts";
import type { EventInLog, Names } from "../server/names.ts";
import { isConflict } from "../server/nats-errors.ts";

/** The copy of an event that a dead letter keeps. */
export interface LetterCopy {
  readonly headers: MsgHdrs | undefined;
  readonly text: string;
  readonly type: string;
  readonly position: number;
  readonly storedAt: number;
}

/** The copies of events that groups have letters of: one for each event, however many groups gave up on it. */
export class LetterCopies {
  readonly #connection: Connection;
  readonly #names: Names;

  constructor(connection: Connection, names: Names) {
    this.#connection = connection;
    this.#names = names;
  }

  /** Keeps a copy unless there is one. */
  async keep(copy: LetterCopy): Promise<void> {
    const { js } = this.#connection;
    const { type, position } = copy;
    const subject = this.#names.letterCopy(type, { position, id: headerId(copy) });
    const options = { headers: copyHeaders(copy), expect: { lastSubjectSequence: 0 } };
    try {
      await this.#connection.persist("storing a dead letter", () =>
        js.publish(subject, copy.text, { ...options, timeout: 2_000 }),
      );
    } catch (error) {
      if (!isConflict((error as Error).cause ?? error)) throw error;
    }
  }

  find(type: string, which: EventInLog): Promise<MessageSource | undefined> {
    return this.#last(this.#names.letterCopy(type, which));
  }

  /** Removes the copy when no group has a letter of its event any more. */
  async release(type: string, which: EventInLog): Promise<void> {
    if (await this.#isWanted(type, which)) return;
    const copy = await this.find(type, which);
    if (copy === undefined) return;
    await this.remove(copy.position);
    // Another group may have written one in the meantime, and found the copy there.
    if (!(await this.#isWanted(type, which))) return;
    const { headers, text } = copy;
    await this.keep({ headers, text, type, position: which.position, storedAt: 0 });
  }

  /** Removes one message of the stream. */
  async remove(sequence: number): Promise<void> {
    const { deadStream } = this.#names;
    const { jsm } = this.#connection;
    await this.#connection.persist("removing a dead letter", async () => {
      // Of the connection that there is by now.
      const { streams } = jsm;
      try {
        await streams.deleteMessage(deadStream, sequence, false);
      } catch (error) {
        if ((await streams.getMessage(deadStream, { seq: sequence })) !== null) throw error;
      }
    });
  }

  async #isWanted(type: string, which: EventInLog): Promise<boolean> {
    const query = { seq: 1, next_by_subj: this.#names.lettersOf(type, which) };
    const message = await this.#connection.persist("reading dead letters", () =>
      this.#connection.jsm.streams.getMessage(this.#names.deadStream, query),
    );
    return message !== null;
  }

  async #last(subject: string): Promise<MessageSource | undefined> {
    const message = await this.#connection.persist("reading dead letters", () =>
      this.#connection.jsm.streams.getMessage(this.#names.deadStream, { last_by_subj: subject }),
    );
    if (message === null) return undefined;
    const { header: headers, seq: position, timestamp } = message;
    const text = message.string();
    return { subject: message.subject, headers, text, position, time: Date.parse(timestamp) };
  }
}

/** The id that letters of an event go by; empty where a message has none. */
export function headerId({ headers }: Pick<MessageSource, "headers">): string {
  return headers?.get(HEADER.id) ?? "";
}

/** All headers of the event, and what its place in another stream doesn't say. */
export function copyHeaders({ headers, type, position, storedAt }: LetterCopy): MsgHdrs {
  const copy = newHeaders();
  for (const [name, values] of headers ?? []) {
    // Those of the server's own would be obeyed again.
    if (/^nats-/i.test(name) || name === HEADER.letter) continue;
    for (const value of values) copy.append(name, value);
  }
  setPlace(copy, { type, position, storedAt: storedAt || Number(copy.get(HEADER.storedAt)) });
  return copy;
}

/** What its place in another stream doesn't say. */
export function setPlace(
  headers: MsgHdrs,
  { type, position, storedAt }: Pick<LetterCopy, "type" | "position" | "storedAt">,
): void {
  headers.set(HEADER.type, type);
  headers.set(HEADER.position, String(position));
  headers.set(HEADER.storedAt, String(storedAt));
}
