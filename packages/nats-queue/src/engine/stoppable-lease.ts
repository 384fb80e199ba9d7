import type { NackOptions } from "@ringrift/event-queue";
import type { BackendLease } from "@ringrift/event-queue/backend";
import type { Connection } from "../connection/connection.ts";
import { unreachable } from "../server/nats-errors.ts";

/** After so long without an answer it is asked whether the server is there. */
const QUIET_MS = 300;
/** Shortest that work waits for a server that isn't. */
const AWAY_MS = 600;

/**
 * Waits for work of a connection, which tries again for its own patience, only while the server serves. When that
 * is away the work goes on, and nobody waits for it.
 *
 * @throws QueueError (rejects) `SERVER_UNREACHABLE` when the server is away
 */
export async function whileThere<T>(
  connection: Pick<Connection, "serves">,
  doing: string,
  work: Promise<T>,
): Promise<T> {
  while (!(await isDoneIn(QUIET_MS, work))) {
    const began = performance.now();
    const isThere = await Promise.race([connection.serves(), ended(work)]);
    if (isThere) continue;
    const rest = AWAY_MS - QUIET_MS - (performance.now() - began);
    if (!(await isDoneIn(rest, work))) throw unreachable(doing);
  }
  return work;
}

/**
 * A lease of a consumer, whose stop waits for acks: they don't wait for long for a server that is away. What was tried
 * goes on meanwhile, and the next try of the same joins it.
 */
export class StoppableLease implements BackendLease {
  readonly #lease: BackendLease;
  readonly #connection: Connection;
  #acking: Promise<boolean> | undefined;
  #nacking: Promise<boolean> | undefined;

  constructor(lease: BackendLease, connection: Connection) {
    this.#lease = lease;
    this.#connection = connection;
  }

  ack(): Promise<boolean> {
    this.#acking ??= this.#lease.ack().finally(() => {
      this.#acking = undefined;
    });
    return whileThere(this.#connection, "settling an event", this.#acking);
  }

  nack(options: NackOptions): Promise<boolean> {
    this.#nacking ??= this.#lease.nack(options).finally(() => {
      this.#nacking = undefined;
    });
    return whileThere(this.#connection, "settling an event", this.#nacking);
  }

  extend(ms: number): Promise<number | false> {
    return this.#lease.extend(ms);
  }

  release(): Promise<unknown> {
    return whileThere(this.#connection, "giving an event back", this.#lease.release());
  }

  leftMs(): number {
    return this.#lease.leftMs?.() ?? 0;
  }
}

function isDoneIn(ms: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), Math.max(ms, 0)).unref();
    const done = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    work.then(done, done);
  });
}

function ended(work: Promise<unknown>): Promise<true> {
  return work.then(
    () => true,
    () => true,
  );
}
