import type { StoredEvent } from "@ringrift/event-queue";
import {
  type AdoptedGroup,
  type CarriedLetter,
  type EventSpot,
  groupNotFound,
  type MigrationBackend,
  type MigrationPage,
  type MigrationRange,
  type SoughtEvent,
  toStoredEvent,
} from "@ringrift/event-queue/backend";
import { CarriedLetters } from "../settling/carried-letters.ts";
import { Cursor } from "../messages/cursor.ts";
import type { Engine } from "../engine/engine.ts";
import { HEADER, readEvent } from "../messages/event-message.ts";
import { oldestUnsettled } from "../settling/unsettled.ts";

/** Moving a queue on JetStream. */
export class NatsMigration implements MigrationBackend {
  readonly #engine: Engine;
  readonly #letters: CarriedLetters;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#letters = new CarriedLetters(engine.group, (events) => this.locate(events));
  }

  async oldestUnsettled(name: string): Promise<number | undefined> {
    const group = await this.#engine.groups.find(name);
    if (group === undefined) throw groupNotFound(name);
    return oldestUnsettled(this.#engine.group, group);
  }

  async delayed({ after = "0", limit }: MigrationRange): Promise<MigrationPage<StoredEvent>> {
    const { connection, names } = this.#engine;
    const range = { filters: [names.allDelayed], after: Number(after) };
    const cursor = new Cursor(connection, names.stateStream, range);
    try {
      const page = await cursor.next(limit);
      const items = page.flatMap((message) => {
        const read = readEvent(message, names, "kept");
        // Nobody could take it into a log: whoever does so reports it.
        if ("broken" in read) return [];
        const dueAt = Number(message.headers?.get(HEADER.dueAt));
        return { ...toStoredEvent(read.event), position: 0, dueAt };
      });
      const last = page.length < limit ? undefined : page.at(-1);
      return { items, next: last && String(last.position) };
    } finally {
      await cursor.close();
    }
  }

  letters(range: MigrationRange): Promise<MigrationPage<CarriedLetter>> {
    return this.#letters.page(range);
  }

  async locate(events: readonly SoughtEvent[]): Promise<readonly EventSpot[]> {
    return Promise.all(events.map((event) => this.#locate(event)));
  }

  adoptGroup(group: AdoptedGroup): Promise<void> {
    return this.#engine.groups.adopt(group);
  }

  adoptLetters(letters: readonly CarriedLetter[]): Promise<number> {
    return this.#letters.adopt(letters);
  }

  async #locate({ id, type, key }: SoughtEvent): Promise<EventSpot> {
    const { ids, delayed, log, names } = this.#engine;
    if (await delayed.waits(type, id)) return "delayed";
    const known = (await ids.positionOf(type, id)) ?? (await delayed.positionOf(type, id));
    if (known !== undefined) return known;
    // Of its own events this process has no document; the server remembers them for a while.
    const { position = 0 } = await log.recall(names.event(type, key), `${type}:${id}`);
    const stored = position > 0 ? await log.at(position) : undefined;
    return stored?.id === id ? position : undefined;
  }
}
