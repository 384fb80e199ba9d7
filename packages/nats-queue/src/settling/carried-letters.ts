import {
  type CarriedLetter,
  type EventRecord,
  type EventSpot,
  foreignPosition,
  type MigrationPage,
  type MigrationRange,
  redrivenLetter,
  type SoughtEvent,
} from "@ringrift/event-queue/backend";
import { Cursor } from "../messages/cursor.ts";
import { noteOf } from "./dead-letter-store.ts";
import { eventHeaders, type MessageSource, readEvent } from "../messages/event-message.ts";
import type { GroupEngine } from "./group-engine.ts";
import { consumerInfo } from "../groups/group-consumer.ts";
import { LetterCopies } from "../messages/letter-copies.ts";
import type { RawMessage } from "../messages/raw-message.ts";

/** Letters that are looked for at once. */
const PORTION = 50;

/** Dead letters on their way from one queue to another. */
export class CarriedLetters {
  readonly #engine: GroupEngine;
  readonly #copies: LetterCopies;
  readonly #locate: (events: readonly SoughtEvent[]) => Promise<readonly EventSpot[]>;

  constructor(
    engine: GroupEngine,
    locate: (events: readonly SoughtEvent[]) => Promise<readonly EventSpot[]>,
  ) {
    this.#engine = engine;
    this.#copies = new LetterCopies(engine.connection, engine.names);
    this.#locate = locate;
  }

  /** In the order of the stream that has both the letters and what was redriven. */
  async page({ after = "0", limit }: MigrationRange): Promise<MigrationPage<CarriedLetter>> {
    const { connection, names } = this.#engine;
    const filters = [names.letters(), names.allRedriven];
    const cursor = new Cursor(connection, names.deadStream, { filters, after: Number(after) });
    try {
      const page = await cursor.next(limit);
      const settled = await this.#settledOf(page);
      const items = await Promise.all(page.map((message) => this.#read(message, settled)));
      const last = page.length < limit ? undefined : page.at(-1);
      return {
        items: items.filter((one) => one !== undefined),
        next: last && String(last.position),
      };
    } finally {
      await cursor.close();
    }
  }

  /** How many of these were added. In their order. */
  async adopt(letters: readonly CarriedLetter[]): Promise<number> {
    let added = 0;
    for (let from = 0; from < letters.length; from += PORTION) {
      const some = letters.slice(from, from + PORTION);
      const spots = await this.#locate(
        some.map(({ record: { lineage, type, key } }) => ({ id: lineage.id, type, key })),
      );
      const missing = await Promise.all(
        some.map((letter, index) => this.#unlessThere(letter, spots[index])),
      );
      for (const one of missing) {
        if (one === undefined) continue;
        await this.#add(one.letter, one.position);
        added += 1;
      }
    }
    return added;
  }

  async #add({ record, group, isRedriven, ...note }: CarriedLetter, position: number) {
    const { letters } = this.#engine;
    const { type, body: text, storedAt } = record;
    const outgoing = { ...record, dedupeKey: undefined, delayMs: 0, fresh: false };
    const headers = eventHeaders(outgoing, storedAt);
    const copy = { headers, text, type, position, storedAt };
    if (!isRedriven) return letters.bury(copy, { group, ...note });
    await letters.giveBack(group, copy);
    await letters.noteRedrive(group);
  }

  /** A letter of a group that isn't there is nobody's. */
  async #unlessThere(
    letter: CarriedLetter,
    spot: EventSpot,
  ): Promise<{ readonly letter: CarriedLetter; readonly position: number } | undefined> {
    const { group, record } = letter;
    const { groups, letters } = this.#engine;
    if ((await groups.recall(group)) === undefined) return undefined;
    const foreign = foreignPosition(record.position);
    const positions = typeof spot === "number" ? [spot, foreign] : [foreign];
    const found = await Promise.all(
      positions.map((position) =>
        letters.hasOrGaveBack(group, record.type, { position, id: record.lineage.id }),
      ),
    );
    return found.includes(true) ? undefined : { letter, position: positions[0] ?? foreign };
  }

  /** Up to where each group has settled what it was given back: the message goes a moment later. */
  async #settledOf(page: readonly RawMessage[]): Promise<ReadonlyMap<string, number>> {
    const { names, groups } = this.#engine;
    const redriven = page.filter(({ subject }) => names.isRedriven(subject));
    const found = new Map<string, number>();
    for (const name of new Set(redriven.map(({ subject }) => names.groupOf(subject)))) {
      const group = await groups.find(name);
      const info = group && (await consumerInfo(this.#engine, group, "redriven"));
      if (info === undefined) continue;
      const { ack_floor, delivered, num_ack_pending } = info;
      found.set(name, (num_ack_pending > 0 ? ack_floor : delivered).stream_seq);
    }
    return found;
  }

  async #read(
    message: RawMessage,
    settled: ReadonlyMap<string, number>,
  ): Promise<CarriedLetter | undefined> {
    const { names } = this.#engine;
    if (!names.isRedriven(message.subject)) {
      const { note, id, type, position, storedAt, headers } = noteOf(message);
      const kept = await this.#copies.find(type, { position, id });
      const source = kept ?? { subject: "", headers, text: "", position: 0, time: 0 };
      const record = { ...this.#recordOf(source), type, position, storedAt };
      return { record, ...note, isRedriven: false };
    }
    const group = names.groupOf(message.subject);
    if (message.position <= (settled.get(group) ?? 0)) return undefined;
    return redrivenLetter(group, this.#recordOf(message));
  }

  /** Of what can't be read, that which can be. */
  #recordOf(source: MessageSource): EventRecord {
    const read = readEvent(source, this.#engine.names, "kept");
    if ("event" in read) return read.event;
    const { type, position, storedAt, text: body } = read.broken;
    const id = `unreadable-${position}`;
    const lineage = { id, time: storedAt, source: "", origin: "", correlationId: id, via: [] };
    return { lineage, type, position, storedAt, body, key: undefined, headers: {} };
  }
}
