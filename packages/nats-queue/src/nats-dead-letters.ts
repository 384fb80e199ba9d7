import type { DeadLetter } from "@ringrift/event-queue";
import type { BackendDeadLetters, DeadLetterRequest } from "@ringrift/event-queue/backend";
import type { DeadLetterStore } from "./dead-letter-store.ts";

/** The dead letters of a queue on JetStream. */
export class NatsDeadLetters implements BackendDeadLetters {
  readonly #letters: DeadLetterStore;

  constructor(letters: DeadLetterStore) {
    this.#letters = letters;
  }

  async list(request: DeadLetterRequest): Promise<DeadLetter[]> {
    const found = await this.#letters.read(await this.#letters.find(request));
    return found.map(({ letter }) => letter);
  }

  async count(request: DeadLetterRequest): Promise<number> {
    return (await this.#letters.find(request)).length;
  }

  async redrive(request: DeadLetterRequest, limit: number): Promise<number> {
    const found = await this.#letters.find({ ...request, limit });
    for (const one of await this.#letters.read(found)) await this.#letters.redrive(one);
    const groups = new Set(found.map(({ note }) => note.group));
    for (const group of groups) await this.#letters.noteRedrive(group);
    return found.length;
  }

  async discard(request: DeadLetterRequest, limit: number): Promise<number> {
    const found = await this.#letters.find({ ...request, limit });
    for (const one of found) await this.#letters.discard(one);
    return found.length;
  }
}
