import type { ErrorData } from "./error-data.ts";
import { reportQueueError } from "./queue-errors.ts";
import { emitQueueWarning } from "./warning.ts";

/** What is told when an event becomes a dead letter. */
export interface DeadLetterNotice {
  readonly group: string;
  /** Id of the event. */
  readonly id: string;
  readonly type: string;
  readonly attempts: number;
  readonly error: ErrorData;
}

/** Warnings in one stretch of time; what comes above is counted, and said with the first one of the next stretch. */
const MOST_WARNINGS = 5;
const STRETCH_MS = 60_000;

/** Tells of the dead letters that calls of one instance made: to listeners, or else by a bounded number of warnings. */
export class DeadLetterNotices {
  readonly #listeners = new Set<{ readonly listener: (notice: DeadLetterNotice) => void }>();
  #warned = 0;
  #unsaid = 0;
  #until = 0;

  /** Adds a listener, in whose place there are no warnings; returns what removes it. */
  add(listener: (notice: DeadLetterNotice) => void): () => void {
    const link = { listener };
    this.#listeners.add(link);
    return () => {
      this.#listeners.delete(link);
    };
  }

  tell(notice: DeadLetterNotice): void {
    if (this.#listeners.size === 0) this.#warn(notice);
    for (const { listener } of this.#listeners) {
      try {
        listener(notice);
      } catch (error) {
        reportQueueError(error, `Listener for dead letters of group "${notice.group}"`);
      }
    }
  }

  #warn({ group, id, type, attempts, error }: DeadLetterNotice): void {
    const now = performance.now();
    if (now >= this.#until) {
      this.#until = now + STRETCH_MS;
      this.#warned = 0;
    }
    if (this.#warned === MOST_WARNINGS) {
      this.#unsaid += 1;
      return;
    }
    this.#warned += 1;
    const before =
      this.#unsaid === 0 ? "" : ` (and on ${this.#unsaid} others since the last warning)`;
    this.#unsaid = 0;
    emitQueueWarning(
      "RINGRIFT_DEAD_LETTER",
      `Group "${group}" gave up on event ${id} ("${type}") at attempt ${attempts}${before}: ${error.name}: ${error.message.replace(/\.$/, "")}. deadLetters.list() shows it, deadLetters.redrive() tries again; give "onDeadLetter" to be told in code.`,
    );
  }
}
