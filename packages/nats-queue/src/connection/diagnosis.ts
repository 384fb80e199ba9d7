import { setTimeout as sleep } from "node:timers/promises";
import type { ClusterInfo, JetStreamManager } from "@nats-io/jetstream";
import { type ServerState, streamsGone } from "../server/connection-errors.ts";
import type { Names } from "../server/names.ts";
import { isStreamMissing } from "../server/nats-errors.ts";

/** What was found is told again for so long. */
const FRESH_MS = 500;
/** How long an answer is waited for that may not come. */
const ANSWER_MS = 1_000;

/** A copy that was heard of so long ago is away: they say once a second that they are there. */
const HEARD_NS = 4_000_000_000;

/** What is asked: a connection. */
interface Asked {
  readonly jsm: Pick<JetStreamManager, "streams" | "consumers">;
  answers(): Promise<boolean>;
  whileConnected<T>(operation: () => Promise<T>): Promise<T>;
}

/** Finds out why a server gives no answer. */
export class Diagnosis {
  readonly #connection: Asked;
  readonly #names: Names;
  #state: Promise<ServerState> = Promise.resolve("there");
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(connection: Asked, names: Names) {
    this.#connection = connection;
    this.#names = names;
  }

  /**
   * Looks what is wrong with a server that gave no answer; takes a moment at most.
   * Thousands that ask at once are told the same.
   */
  look(): Promise<ServerState> {
    if (performance.now() - this.#lookedAt > FRESH_MS) {
      this.#lookedAt = performance.now();
      this.#state = this.#look();
    }
    return this.#state;
  }

  async #look(): Promise<ServerState> {
    const leads = async (): Promise<boolean> => {
      const { cluster } = await this.#connection.jsm.streams.info(this.#names.stream);
      return cluster === undefined || hasMajority(cluster);
    };
    const isLed = Promise.race([
      this.#connection.whileConnected(leads).catch(() => false),
      sleep(ANSWER_MS, false, { ref: false }),
    ]);
    if (!(await this.#connection.answers())) return "away";
    return (await isLed) ? "there" : "leaderless";
  }

  /** @throws QueueError (rejects) `STORAGE_FAILED` when somebody has deleted a stream of the queue */
  async requireStreams(doing: string, cause: unknown): Promise<void> {
    const { stream, deadStream, stateStream } = this.#names;
    // Of those that nobody leads at the moment nobody knows: they aren't waited for.
    const missing: string[] = [];
    const looks = [stream, deadStream, stateStream].map(async (name) => {
      try {
        await this.#connection.whileConnected(() => this.#connection.jsm.streams.info(name));
      } catch (error) {
        if (isStreamMissing(error)) missing.push(name);
      }
    });
    await Promise.race([Promise.all(looks), sleep(ANSWER_MS, undefined, { ref: false })]);
    if (missing.length > 0) throw streamsGone(missing, doing, cause);
  }
}

/** A leader that has lost the others doesn't know it for some seconds. */
function hasMajority({ leader, replicas = [] }: ClusterInfo): boolean {
  if (leader === undefined || leader === "") return false;
  const away = replicas.filter(({ offline, active }) => offline || active > HEARD_NS);
  return away.length * 2 < replicas.length + 1;
}
