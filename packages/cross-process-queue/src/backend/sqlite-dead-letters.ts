import type { DeadLetter } from "@ringrift/event-queue";
import type { BackendDeadLetters, DeadLetterRequest } from "@ringrift/event-queue/backend";
import type { Engine } from "../engine/engine.ts";

/** The dead letters of a queue in a file. */
export class SqliteDeadLetters implements BackendDeadLetters {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  list(request: DeadLetterRequest): Promise<DeadLetter[]> {
    const { connection, deadLetters } = this.#engine;
    return connection.read(() => deadLetters.list(request));
  }

  count(request: DeadLetterRequest): Promise<number> {
    const { connection, deadLetters } = this.#engine;
    return connection.read(() => deadLetters.preview(request));
  }

  redrive(request: DeadLetterRequest, limit: number): Promise<number> {
    const { committer, deadLetters } = this.#engine;
    return committer.submit((tx) => deadLetters.redrive(tx, request, limit));
  }

  discard(request: DeadLetterRequest, limit: number): Promise<number> {
    const { committer, deadLetters } = this.#engine;
    return committer.submit(() => deadLetters.discard(request, limit));
  }
}
