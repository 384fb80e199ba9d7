import { type HealthProblem, QueueError, type QueueErrorCode } from "@ringrift/event-queue";
import type { Connection } from "../connection/connection.ts";

/** What keeps every send from being stored, not just this one. */
const FAILURES: ReadonlySet<QueueErrorCode> = new Set([
  "SERVER_UNREACHABLE",
  "STORAGE_FAILED",
  "QUEUE_FULL",
]);

/** Where the log begins and ends. */
interface LogState {
  readonly first_seq: number;
  readonly last_seq: number;
}

/**
 * Whether sends of this instance are stored, as far as the last one tells: a server whose log can't be written answers
 * everything else, and nothing but a send shows it.
 */
export class SendHealth {
  readonly #connection: Pick<Connection, "look">;
  #failure: { readonly error: QueueError; readonly since: number } | undefined;
  /** The log as it was when a health check saw the failure first. */
  #log: LogState | undefined;

  constructor(connection: Pick<Connection, "look">) {
    this.#connection = connection;
  }

  /** A send was stored, or the server is another one: what was wrong may be mended. */
  clear(): void {
    this.#failure = undefined;
    this.#log = undefined;
  }

  /** A send has failed. A server that is away shows by itself. */
  async noteFailure(error: unknown): Promise<void> {
    if (!(error instanceof QueueError) || !FAILURES.has(error.code)) return;
    if (error.code === "SERVER_UNREACHABLE" && (await this.#connection.look()) !== "there") return;
    this.#failure = { error, since: this.#failure?.since ?? Date.now() };
  }

  /** The problem there is, unless the log has moved since: then somebody's send works, or there is room again. */
  problem(subject: string, { first_seq, last_seq }: LogState): HealthProblem | undefined {
    this.#log ??= { first_seq, last_seq };
    if (this.#log.first_seq !== first_seq || this.#log.last_seq !== last_seq) this.clear();
    if (this.#failure === undefined) {
      this.#log = undefined;
      return undefined;
    }
    const { error, since } = this.#failure;
    return {
      code: "QUEUE_FAILED",
      severity: "error",
      since,
      subject,
      message: `The last send wasn't stored: ${error.message}`,
      action: "Do what the message says; the next send that is stored ends this.",
    };
  }
}
