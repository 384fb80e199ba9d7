import type { DeadLetter, DeadLetterFilter, DeadLetters } from "../dead-letters.ts";
import { checkDeadLetterFilter, type DeadLetterRequest } from "../requests.ts";
import { type BuriedEntry, toDeadLetter } from "./group-entry.ts";
import type { MemoryInstance } from "./memory-instance.ts";

const DEFAULT_LIST = 100;

/** The dead letters of a log. */
export class MemoryDeadLetters implements DeadLetters {
  readonly #instance: MemoryInstance;

  constructor(instance: MemoryInstance) {
    this.#instance = instance;
  }

  async list(filter: DeadLetterFilter = {}): Promise<DeadLetter[]> {
    return this.#find(checkDeadLetterFilter({ limit: DEFAULT_LIST, ...filter })).map(toDeadLetter);
  }

  async redrive(filter: DeadLetterFilter): Promise<{ count: number }> {
    return this.#take(filter, ({ group, record }) => {
      this.#instance.log.groups.get(group)?.redrive(record);
    });
  }

  async discard(filter: DeadLetterFilter): Promise<{ count: number }> {
    return this.#take(filter, () => {});
  }

  #take(filter: DeadLetterFilter, each: (letter: BuriedEntry) => void): { count: number } {
    const request = checkDeadLetterFilter(filter);
    const found = new Set(this.#find(request));
    if (request.dryRun) return { count: found.size };
    const { log } = this.#instance;
    log.dropLetters((letter) => found.has(letter));
    for (const letter of found) each(letter);
    log.ring();
    return { count: found.size };
  }

  #find(request: DeadLetterRequest): BuriedEntry[] {
    const { id, group, type, since, until, limit } = request;
    return this.#instance
      .use()
      .deadLetters.filter(
        (letter) =>
          (id === undefined || letter.record.lineage.id === id) &&
          (group === undefined || letter.group === group) &&
          (type === undefined || letter.record.type === type) &&
          (since === undefined || letter.time >= since) &&
          (until === undefined || letter.time < until),
      )
      .slice(0, limit);
  }
}
