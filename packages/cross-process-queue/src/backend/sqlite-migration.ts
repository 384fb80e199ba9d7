import type { StoredEvent } from "@ringrift/event-queue";
import type {
  AdoptedGroup,
  CarriedLetter,
  EventSpot,
  MigrationBackend,
  MigrationPage,
  MigrationRange,
  SoughtEvent,
} from "@ringrift/event-queue/backend";
import { CarriedLetters } from "../groups/carried-letters.ts";
import type { Engine } from "../engine/engine.ts";
import { type EventRow, fromRow } from "../database/event-row.ts";
import { SQL } from "../schema/statements.ts";

/** Moving a queue in a file. */
export class SqliteMigration implements MigrationBackend {
  readonly #engine: Engine;
  readonly #letters: CarriedLetters;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#letters = new CarriedLetters(engine.connection, engine.deadLetters);
  }

  oldestUnsettled(group: string): Promise<number | undefined> {
    const { connection, groups } = this.#engine;
    return connection.read(() => groups.oldestUnsettled(group));
  }

  delayed({ after = "0", limit }: MigrationRange): Promise<MigrationPage<StoredEvent>> {
    const { connection, delayed } = this.#engine;
    return connection.read(() => {
      const found = delayed.after(Number(after), limit);
      const items = found.map(({ row, dueAt }) => ({ ...fromRow(row), dueAt }));
      const last = found.length < limit ? undefined : found.at(-1);
      return { items, next: last && String(last.number) };
    });
  }

  letters(range: MigrationRange): Promise<MigrationPage<CarriedLetter>> {
    return this.#engine.connection.read(() => this.#letters.page(range));
  }

  locate(events: readonly SoughtEvent[]): Promise<readonly EventSpot[]> {
    const { connection, delayed } = this.#engine;
    return connection.read(() =>
      events.map(({ id }) => {
        const row = connection.get<EventRow>(SQL.eventById, id);
        return row?.position ?? (delayed.byId(id) && "delayed");
      }),
    );
  }

  adoptGroup(group: AdoptedGroup): Promise<void> {
    const { committer, groups } = this.#engine;
    return committer.submit((tx) => groups.adopt(tx, group));
  }

  adoptLetters(letters: readonly CarriedLetter[]): Promise<number> {
    return this.#engine.committer.submit((tx) => {
      const added = letters.filter((letter) => this.#letters.adopt(letter)).length;
      if (added > 0) tx.rings = true;
      return added;
    });
  }
}
