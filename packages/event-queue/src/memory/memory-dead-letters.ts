import type { BackendDeadLetters } from "../backend/queue-backend.ts";
import type { DeadLetter } from "../contract/dead-letters.ts";
import type { DeadLetterRequest } from "../reading/requests.ts";
import { type BuriedEntry, toDeadLetter } from "../memory-state/group-entry.ts";
import type { SweptLog } from "../memory-state/memory-log.ts";

/** The dead letters of a log in memory. */
export class MemoryDeadLetters implements BackendDeadLetters {
  readonly #log: SweptLog;

  constructor(log: SweptLog) {
    this.#log = log;
  }

  async list(request: DeadLetterRequest): Promise<DeadLetter[]> {
    return this.#find(request).map(toDeadLetter);
  }

  async count(request: DeadLetterRequest): Promise<number> {
    return this.#find(request).length;
  }

  async redrive(request: DeadLetterRequest, limit: number): Promise<number> {
    const log = this.#log();
    const letters = this.#take({ ...request, limit });
    // Not swept in between: a group that has neither the letters nor their events may be one that expires.
    const now = log.now();
    for (const { group, record } of letters) log.groups.get(group)?.redrive(record, now);
    log.ring();
    return letters.length;
  }

  async discard(request: DeadLetterRequest, limit: number): Promise<number> {
    return this.#take({ ...request, limit }).length;
  }

  #take(request: DeadLetterRequest): readonly BuriedEntry[] {
    const found = new Set(this.#find(request));
    this.#log().dropLetters((letter) => found.has(letter));
    return [...found];
  }

  #find(request: DeadLetterRequest): BuriedEntry[] {
    const { id, group, type, since, until, limit } = request;
    return this.#log()
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
