import type { DeadLetterNotice } from "../failures/dead-letter-notices.ts";
import type { DeadLetter, DeadLetterFilter, DeadLetters } from "../contract/dead-letters.ts";
import { invalidOption, show } from "../checking/check-options.ts";
import { checkDeadLetterFilter } from "../reading/requests.ts";
import type { BackendDeadLetters } from "../backend/queue-backend.ts";
import type { QueueInstance } from "../backend/queue-instance.ts";

const DEFAULT_LIST = 100;

/** The dead letters of a queue. */
export class BackedDeadLetters implements DeadLetters {
  readonly #instance: QueueInstance;

  constructor(instance: QueueInstance) {
    this.#instance = instance;
  }

  async list(filter?: DeadLetterFilter): Promise<DeadLetter[]> {
    const request = checkDeadLetterFilter(filter);
    const { limit = DEFAULT_LIST } = request;
    return this.#instance.use(({ deadLetters }) => deadLetters.list({ ...request, limit }));
  }

  redrive(filter: DeadLetterFilter): Promise<{ count: number }> {
    return this.#inSteps("redrive", filter);
  }

  discard(filter: DeadLetterFilter): Promise<{ count: number }> {
    return this.#inSteps("discard", filter);
  }

  onLetter(listener: (notice: DeadLetterNotice) => void): () => void {
    if (typeof listener !== "function") {
      throw invalidOption(`Listener for dead letters is ${show(listener)}. Give a function.`);
    }
    return this.#instance.deadLetterNotices.add(listener);
  }

  /** One step for all would hold a backend's lock, and the event loop, for too long. */
  async #inSteps(
    what: "redrive" | "discard",
    filter: DeadLetterFilter,
  ): Promise<{ count: number }> {
    const request = checkDeadLetterFilter(filter);
    const step = <T>(run: (deadLetters: BackendDeadLetters) => Promise<T>): Promise<T> =>
      this.#instance.use(({ deadLetters }) => run(deadLetters));
    const matching = await step((deadLetters) => deadLetters.count(request));
    if (request.dryRun) return { count: matching };
    let count = 0;
    // Letters that come meanwhile (a redriven event that fails again) are not of this call.
    while (count < matching) {
      const left = matching - count;
      const taken = await step((deadLetters) => deadLetters[what](request, left));
      if (taken === 0) break;
      count += taken;
    }
    return { count };
  }
}
