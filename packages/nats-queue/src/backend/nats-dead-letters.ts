import type { DeadLetter } from "@ringrift/event-queue";
import type { BackendDeadLetters, DeadLetterRequest } from "@ringrift/event-queue/backend";
import type { DeadLetterStore } from "../settling/dead-letter-store.ts";
import type { Redriver } from "../settling/redriver.ts";

/** The dead letters of a queue on JetStream. */
export class NatsDeadLetters implements BackendDeadLetters {
  readonly #letters: DeadLetterStore;

  readonly #redriver: Redriver;

  constructor(letters: DeadLetterStore, redriver: Redriver) {
    this.#letters = letters;
    this.#redriver = redriver;
  }

  async list(request: DeadLetterRequest): Promise<DeadLetter[]> {
    const found = await this.#letters.read(await this.#letters.find(request));
    return found.map(({ letter }) => letter);
  }

  async count(request: DeadLetterRequest): Promise<number> {
    return (await this.#letters.find(request)).length;
  }

  redrive(request: DeadLetterRequest, limit: number): Promise<number> {
    return this.#redriver.redrive({ ...request, limit });
  }

  async discard(request: DeadLetterRequest, limit: number): Promise<number> {
    const found = await this.#letters.find({ ...request, limit });
    for (const one of found) await this.#letters.discard(one);
    return found.length;
  }
}
