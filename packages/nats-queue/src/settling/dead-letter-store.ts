import type { MsgRequest, StoredMsg } from "@nats-io/jetstream";
import { headers as newHeaders, type MsgHdrs } from "@nats-io/transport-node";
import type { DeadLetter, ErrorData } from "@ringrift/event-queue";
import { decodePayload, type DeadLetterRequest } from "@ringrift/event-queue/backend";
import type { Connection } from "../connection/connection.ts";
import { countMessages } from "../messages/cursor.ts";
import { HEADER, readEvent } from "../messages/event-message.ts";
import type { GroupStore } from "../groups/group-store.ts";
import {
  copyHeaders,
  headerId,
  LetterCopies,
  type LetterCopy,
  setPlace,
} from "../messages/letter-copies.ts";
import type { EventInLog, Names } from "../server/names.ts";
import { LETTER_BYTES } from "../sending/publisher.ts";
import type { RawMessage } from "../messages/raw-message.ts";
import { readSubjects } from "../messages/read-subjects.ts";

/** Why an event is a dead letter, as stored beside its copy. */
export interface LetterNote {
  readonly group: string;
  readonly attempts: number;
  readonly error: ErrorData;
  readonly history: DeadLetter["history"];
  readonly time: number;
  /** Of the group when it gave up on the event; a group that was moved since has another one. */
  readonly incarnation?: string | undefined;
}

/** A dead letter as it was found, without its event. */
export interface FoundNote {
  readonly id: string;
  readonly type: string;
  readonly position: number;
  readonly storedAt: number;
  readonly note: LetterNote;
  readonly headers: MsgHdrs | undefined;
  /** Sequence in the stream of dead letters. */
  readonly sequence: number;
}

/** The same with its event. */
export interface FoundLetter extends FoundNote {
  readonly letter: DeadLetter;
  readonly copy: LetterCopy;
}

/** Left for the other headers of a letter. */
const MOST_NOTE_BYTES = LETTER_BYTES - 1_024;

/** Copies that are read at once. */
const PAGE = 100;

/**
 * The dead letters of a queue: a note for each group that gave up on an event, and one copy of the event for all of them,
 * so that it survives retention.
 */
export class DeadLetterStore {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #groups: GroupStore;
  readonly #copies: LetterCopies;

  constructor(connection: Connection, names: Names, groups: GroupStore) {
    this.#connection = connection;
    this.#names = names;
    this.#groups = groups;
    this.#copies = new LetterCopies(connection, names);
  }

  /** Keeps a letter, and a copy of the event if no group has one; takes the place of an earlier letter of the same event and group. */
  async bury(copy: LetterCopy, note: LetterNote): Promise<void> {
    const headers = newHeaders();
    const id = headerId(copy);
    if (id !== "") headers.set(HEADER.id, id);
    setPlace(headers, copy);
    headers.set(HEADER.letter, fitted(note));
    const { type, position } = copy;
    const subject = this.#names.letter(note.group, type, { position, id });
    await this.#publish(subject, "", headers);
    await this.#copies.keep(copy);
  }

  count(group?: string): Promise<number> {
    const filters = [this.#names.letters(group)];
    return countMessages(this.#connection, this.#names.deadStream, { filters });
  }

  /** Those that match, oldest first, without the events themselves. */
  async find(request: Partial<DeadLetterRequest>): Promise<FoundNote[]> {
    const { id, group, type, since, until, limit = Number.POSITIVE_INFINITY } = request;
    const found: FoundNote[] = [];
    const filter = this.#names.letters(group, type);
    const { deadStream } = this.#names;
    for await (const message of readSubjects(this.#connection, deadStream, { filter })) {
      const one = noteOf(message);
      if (id !== undefined && one.id !== id) continue;
      if (since !== undefined && one.note.time < since) continue;
      if (until !== undefined && one.note.time >= until) continue;
      found.push(one);
      if (found.length >= limit) break;
    }
    return found;
  }

  /** The same with their events. */
  async read(found: readonly FoundNote[]): Promise<FoundLetter[]> {
    const letters: FoundLetter[] = [];
    for (let from = 0; from < found.length; from += PAGE) {
      const page = found.slice(from, from + PAGE);
      letters.push(...(await Promise.all(page.map((one) => this.#readOne(one)))));
    }
    return letters;
  }

  /** Whether a group has a letter of an event. */
  async has(
    group: string,
    { type, ...which }: Pick<FoundNote, "type" | "position" | "id">,
  ): Promise<boolean> {
    const filters = [this.#names.letter(group, type, which)];
    return (await countMessages(this.#connection, this.#names.deadStream, { filters })) > 0;
  }

  async redrive(found: FoundLetter): Promise<void> {
    await this.giveBack(found.note.group, found.copy);
    await this.discard(found);
  }

  /** Gives an event to a group for another round of attempts; see `noteRedrive`. */
  async giveBack(group: string, copy: LetterCopy): Promise<void> {
    const { position } = copy;
    const subject = this.#names.redriven(group, { position, id: headerId(copy) });
    await this.#publish(subject, copy.text, copyHeaders(copy));
  }

  /** Whether a group has a letter of an event, or was given it back and hasn't settled it. */
  async hasOrGaveBack(group: string, type: string, which: EventInLog): Promise<boolean> {
    const subjects = [this.#names.letter(group, type, which), this.#names.redriven(group, which)];
    const found = await Promise.all(
      subjects.map((subject) => this.#message({ last_by_subj: subject })),
    );
    return found.some((message) => message !== null);
  }

  /** Whether anything that a group was given back isn't settled. */
  async gaveAnyBack(group: string): Promise<boolean> {
    const query = { seq: 1, next_by_subj: this.#names.redriven(group, "*") };
    return (await this.#message(query)) !== null;
  }

  /** Whether what a group was given back under a sequence isn't settled. */
  async isGivenBack(group: string, sequence: number): Promise<boolean> {
    const message = await this.#message({ seq: sequence });
    if (message === null || !this.#names.isRedriven(message.subject)) return false;
    return this.#names.groupOf(message.subject) === group;
  }

  /** Removes a letter, and the copy of its event when no other group has a letter of it. */
  async discard({ sequence, type, position, id }: FoundNote): Promise<void> {
    await this.remove(sequence);
    await this.#copies.release(type, { position, id });
  }

  /** Removes a message of the stream: a redriven event that is settled. */
  remove(sequence: number): Promise<void> {
    return this.#copies.remove(sequence);
  }

  noteRedrive(group: string): Promise<void> {
    return this.#groups.noteRedrive(group);
  }

  #message(query: MsgRequest): Promise<StoredMsg | null> {
    const { jsm } = this.#connection;
    return this.#connection.persist("reading dead letters", () =>
      jsm.streams.getMessage(this.#names.deadStream, query),
    );
  }

  async #publish(subject: string, text: string, headers: MsgHdrs): Promise<void> {
    await this.#connection.persist("storing a dead letter", () =>
      this.#connection.js.publish(subject, text, { headers, timeout: 2_000 }),
    );
  }

  async #readOne(found: FoundNote): Promise<FoundLetter> {
    const { note, id, type, position } = found;
    const kept = await this.#copies.find(type, { position, id });
    const message = kept ?? { subject: "", headers: found.headers, text: "", position: 0, time: 0 };
    const read = readEvent(message, this.#names, "kept");
    const event = "event" in read ? read.event : undefined;
    const copy = { headers: message.headers, text: message.text, type, position };
    const { incarnation: _, ...shown } = note;
    const letter: DeadLetter = {
      id: event?.lineage.id ?? id,
      type,
      payload: payloadOf(message.text),
      position,
      ...(event?.key !== undefined && { key: event.key }),
      headers: event?.headers ?? {},
      ...shown,
    };
    return { ...found, letter, copy: { ...copy, storedAt: found.storedAt } };
  }
}

/** What a letter says, without its event. */
export function noteOf({ headers, position: sequence }: RawMessage): FoundNote {
  return {
    id: headerId({ headers }),
    type: headers?.get(HEADER.type) ?? "",
    position: Number(headers?.get(HEADER.position)),
    storedAt: Number(headers?.get(HEADER.storedAt)),
    // The cast is safe: written by bury.
    note: JSON.parse(headers?.get(HEADER.letter) || "{}") as LetterNote,
    headers,
    sequence,
  };
}

/** What can't be read is shown as it is. */
function payloadOf(text: string): unknown {
  try {
    return decodePayload(text);
  } catch {
    return text;
  }
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
