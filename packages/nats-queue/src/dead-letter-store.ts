import { headers as newHeaders, type MsgHdrs } from "@nats-io/transport-node";
import type { DeadLetter, ErrorData } from "@ringrift/event-queue";
import { decodePayload, type DeadLetterRequest } from "@ringrift/event-queue/backend";
import type { Connection } from "./connection.ts";
import { countMessages } from "./cursor.ts";
import { HEADER, readEvent } from "./event-message.ts";
import type { GroupStore } from "./group-store.ts";
import type { Names } from "./names.ts";
import { LETTER_BYTES } from "./publisher.ts";
import type { RawMessage } from "./raw-message.ts";
import { readSubjects } from "./read-subjects.ts";

/** Why an event is a dead letter, as stored beside its copy. */
export interface LetterNote {
  readonly group: string;
  readonly attempts: number;
  readonly error: ErrorData;
  readonly history: DeadLetter["history"];
  readonly time: number;
}

/** The copy of an event that a dead letter keeps. */
export interface LetterCopy {
  readonly headers: MsgHdrs | undefined;
  readonly text: string;
  readonly type: string;
  readonly position: number;
  readonly storedAt: number;
}

/** A dead letter, and where it is. */
export interface FoundLetter {
  readonly letter: DeadLetter;
  readonly copy: LetterCopy;
  /** Sequence in the stream of dead letters. */
  readonly sequence: number;
}

/** Left for the other headers of a letter. */
const MOST_NOTE_BYTES = LETTER_BYTES - 1_024;

/** The dead letters of a queue: copies of events, so that they survive retention. */
export class DeadLetterStore {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #groups: GroupStore;

  constructor(connection: Connection, names: Names, groups: GroupStore) {
    this.#connection = connection;
    this.#names = names;
    this.#groups = groups;
  }

  /** Keeps a copy; takes the place of an earlier letter of the same event and group. */
  async bury(copy: LetterCopy, note: LetterNote): Promise<void> {
    const headers = copyHeaders(copy);
    headers.set(HEADER.letter, fitted(note));
    await this.#publish(this.#names.letter(note.group, copy.type, copy.position), copy, headers);
  }

  count(group?: string): Promise<number> {
    const filters = [this.#names.letters(group)];
    return countMessages(this.#connection, this.#names.deadStream, { filters });
  }

  async find(request: DeadLetterRequest): Promise<FoundLetter[]> {
    const { id, group, type, since, until, limit = Number.POSITIVE_INFINITY } = request;
    const found: FoundLetter[] = [];
    const filter = this.#names.letters(group, type);
    for await (const message of readSubjects(this.#connection, this.#names.deadStream, {
      filter,
    })) {
      const entry = this.#read(message);
      const { letter } = entry;
      if (id !== undefined && letter.id !== id) continue;
      if (since !== undefined && letter.time < since) continue;
      if (until !== undefined && letter.time >= until) continue;
      found.push(entry);
      if (found.length >= limit) break;
    }
    return found;
  }

  async redrive({ letter, copy, sequence }: FoundLetter): Promise<void> {
    const subject = this.#names.redriven(letter.group, copy.position);
    await this.#publish(subject, copy, copyHeaders(copy));
    await this.remove(sequence);
  }

  /** Removes a letter, or a redriven event that is settled. */
  async remove(sequence: number): Promise<void> {
    await this.#connection.persist("removing a dead letter", async () => {
      try {
        await this.#connection.jsm.streams.deleteMessage(this.#names.deadStream, sequence, false);
      } catch (error) {
        const left = await this.#connection.jsm.streams.getMessage(this.#names.deadStream, {
          seq: sequence,
        });
        if (left !== null) throw error;
      }
    });
  }

  noteRedrive(group: string): Promise<void> {
    return this.#groups.noteRedrive(group);
  }

  async #publish(subject: string, copy: LetterCopy, headers: MsgHdrs): Promise<void> {
    await this.#connection.persist("storing a dead letter", () =>
      this.#connection.js.publish(subject, copy.text, { headers, timeout: 2_000 }),
    );
  }

  #read(message: RawMessage): FoundLetter {
    const { headers, text } = message;
    const read = readEvent(message, this.#names, "kept");
    const event = "event" in read ? read.event : read.broken;
    const copy = { headers, text, ...pick(event) };
    // The cast is safe: written by bury.
    const note = JSON.parse(headers?.get(HEADER.letter) || "{}") as LetterNote;
    const isWhole = "event" in read;
    const letter: DeadLetter = {
      id: isWhole ? read.event.lineage.id : (headers?.get(HEADER.id) ?? ""),
      type: event.type,
      payload: payloadOf(text),
      position: event.position,
      ...(isWhole && read.event.key !== undefined && { key: read.event.key }),
      headers: isWhole ? read.event.headers : {},
      ...note,
    };
    return { letter, copy, sequence: message.position };
  }
}

function pick({ type, position, storedAt }: Pick<LetterCopy, "type" | "position" | "storedAt">): {
  type: string;
  position: number;
  storedAt: number;
} {
  return { type, position, storedAt };
}

/** What can't be read is shown as it is. */
function payloadOf(text: string): unknown {
  try {
    return decodePayload(text);
  } catch {
    return text;
  }
}

/** All headers of the event, and what its place in another stream doesn't say. */
function copyHeaders({ headers, type, position, storedAt }: LetterCopy): MsgHdrs {
  const copy = newHeaders();
  for (const [name, values] of headers ?? []) {
    // Those of the server's own would be obeyed again.
    if (/^nats-/i.test(name) || name === HEADER.letter) continue;
    for (const value of values) copy.append(name, value);
  }
  copy.set(HEADER.type, type);
  copy.set(HEADER.position, String(position));
  copy.set(HEADER.storedAt, String(storedAt));
  return copy;
}

/** The note as JSON that leaves room for the event: stacks and causes go first. */
function fitted(note: LetterNote): string {
  const { error } = note;
  const { stack, cause: _, ...rest } = error;
  const candidates: LetterNote[] = [
    note,
    { ...note, error: { ...rest, ...(stack !== undefined && { stack: stack.slice(0, 2_000) }) } },
    { ...note, error: rest },
    { ...note, error: rest, history: note.history.slice(-1) },
  ];
  const texts = candidates.map((candidate) => JSON.stringify(candidate));
  const fitting = texts.find((text) => Buffer.byteLength(text) <= MOST_NOTE_BYTES);
  return fitting ?? JSON.stringify({ ...note, error: { ...rest, message: "…" }, history: [] });
}
