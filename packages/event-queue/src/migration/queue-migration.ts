import type { OutgoingEvent } from "../contract/event-queue.ts";
import { QueueError } from "../failures/errors.ts";
import type { StoredEvent } from "../contract/events.ts";
import { type OutgoingChecks, prepareEvents } from "../sending/outgoing.ts";
import type { LogPage } from "../reading/instance-reader.ts";
import type { MigrationBackend } from "../backend/migration-backend.ts";
import type { QueueBackend } from "../backend/queue-backend.ts";
import type { QueueInstance } from "../backend/queue-instance.ts";

/** The method by which `migrateQueue` reaches what isn't part of a queue's contract. */
export const MIGRATION: unique symbol = Symbol.for("@ringrift/event-queue: migration");

/** What a queue can do for a migration, past its contract. */
export interface QueueMigration extends MigrationBackend {
  /** Reads events of every type above a position. */
  read(after: number, limit: number): Promise<LogPage>;
  /** Stores events of another queue; whoever is far behind doesn't hold it back. */
  sendMany(events: readonly OutgoingEvent[]): Promise<StoredEvent[]>;
}

/** A queue that has the method. */
export interface MigratableQueue {
  [MIGRATION](): QueueMigration;
}

/** The same on the backend of an instance. */
export class BackedMigration implements QueueMigration {
  readonly #instance: QueueInstance;
  readonly #checks: OutgoingChecks;

  constructor(instance: QueueInstance, checks: OutgoingChecks) {
    this.#instance = instance;
    this.#checks = checks;
  }

  read(after: number, limit: number): Promise<LogPage> {
    return this.#instance.use((backend) => backend.read({ eventTypes: undefined, after, limit }));
  }

  async sendMany(events: readonly OutgoingEvent[]): Promise<StoredEvent[]> {
    const records = prepareEvents(events, this.#checks).map((record) =>
      Object.assign(record, { isCarried: true as const }),
    );
    const stored = await this.#instance.use((backend) => backend.append(records));
    for (const event of stored) this.#instance.countSent(event);
    return stored;
  }

  oldestUnsettled(
    ...args: Parameters<MigrationBackend["oldestUnsettled"]>
  ): ReturnType<MigrationBackend["oldestUnsettled"]> {
    return this.#use((backend) => backend.oldestUnsettled(...args));
  }

  delayed(
    ...args: Parameters<MigrationBackend["delayed"]>
  ): ReturnType<MigrationBackend["delayed"]> {
    return this.#use((backend) => backend.delayed(...args));
  }

  letters(
    ...args: Parameters<MigrationBackend["letters"]>
  ): ReturnType<MigrationBackend["letters"]> {
    return this.#use((backend) => backend.letters(...args));
  }

  locate(...args: Parameters<MigrationBackend["locate"]>): ReturnType<MigrationBackend["locate"]> {
    return this.#use((backend) => backend.locate(...args));
  }

  adoptGroup(
    ...args: Parameters<MigrationBackend["adoptGroup"]>
  ): ReturnType<MigrationBackend["adoptGroup"]> {
    return this.#use((backend) => backend.adoptGroup(...args));
  }

  adoptLetters(
    ...args: Parameters<MigrationBackend["adoptLetters"]>
  ): ReturnType<MigrationBackend["adoptLetters"]> {
    return this.#use((backend) => backend.adoptLetters(...args));
  }

  #use<T>(work: (backend: MigrationBackend) => Promise<T>): Promise<T> {
    return this.#instance.use(({ migration }: QueueBackend) => {
      if (migration !== undefined) return work(migration);
      throw migrationUnsupported(`Its backend ("${this.#instance.kind.name}") lacks "migration"`);
    });
  }
}

/** A queue that can't be moved. */
export function migrationUnsupported(why: string): QueueError {
  return new QueueError(
    "MIGRATION_UNSUPPORTED",
    `migrateQueue was given a queue that it can't move. ${why}: see docs/writing-a-backend.md. Give the queues themselves, and not something that stands for them.`,
  );
}
