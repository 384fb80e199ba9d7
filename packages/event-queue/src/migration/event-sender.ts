import type { OutgoingEvent } from "../contract/event-queue.ts";
import { PermanentError, QueueError } from "../failures/errors.ts";
import type { StoredEvent } from "../contract/events.ts";

/** What an {@link EventSender} works with. */
export interface EventSenderOptions {
  readonly target: { sendMany(events: readonly OutgoingEvent[]): Promise<readonly StoredEvent[]> };
  /** Called before events are given back: the target takes nothing for now, and why. */
  readonly onBlocked: (error: unknown) => void;
  /** Called when the target has taken events: how many, and how many of them it had already. */
  readonly onStored: (count: number, duplicates: number) => void;
}

/** An event on its way, and whoever waits for it. */
interface Waiting {
  readonly event: OutgoingEvent;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A queue refuses these for what the event is, and not for what has become of the queue. */
const REFUSALS: ReadonlySet<string> = new Set([
  "ID_TAKEN",
  "INVALID_HEADERS",
  "INVALID_LINEAGE",
  "INVALID_OPTION",
  "INVALID_PAYLOAD",
  "INVALID_TYPE",
  "PAYLOAD_FORBIDDEN_KEY",
  "PAYLOAD_NOT_JSON",
  "PAYLOAD_TOO_DEEP",
  "PAYLOAD_TOO_LARGE",
  "WRONG_OUTCOME",
]);

/**
 * Gives an event back to its group, with its attempt: consumers do so for this code. The target, whatever is wrong with
 * it, is no fault of the event.
 */
export class GivenBack extends QueueError {
  constructor(cause: unknown) {
    super("QUEUE_FULL", "The other queue takes no events now.", { cause });
  }
}

/**
 * Stores events in a queue in the order in which they are given to it: all that wait at once, one `sendMany` at a time.
 * When the queue can't take them they are all given back. It sends in the context in which it was made, and not in that of
 * a handler, whose children the events would be.
 */
export class EventSender {
  readonly #options: EventSenderOptions;
  readonly #waiting: Waiting[] = [];
  #wake: PromiseWithResolvers<void> | undefined;
  #isEnded = false;

  constructor(options: EventSenderOptions) {
    this.#options = options;
    void this.#run();
  }

  /**
   * Resolves when the event is stored.
   *
   * @throws PermanentError (rejects) when the queue will never take it
   * @throws GivenBack (rejects) when it can't now
   */
  carry(event: OutgoingEvent): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ event, resolve, reject });
    this.#wake?.resolve();
    return promise;
  }

  /** Lets it go when nothing waits any more. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.resolve();
  }

  async #run(): Promise<void> {
    for (;;) {
      const batch = this.#waiting.splice(0);
      if (batch.length > 0) {
        await this.#store(batch);
        continue;
      }
      if (this.#isEnded) return;
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
      this.#wake = undefined;
    }
  }

  /** Never rejects; resolves to whether the queue takes events. */
  async #store(batch: readonly Waiting[]): Promise<boolean> {
    const { target, onStored } = this.#options;
    try {
      const stored = await target.sendMany(batch.map(({ event }) => event));
      onStored(stored.length, stored.filter(({ duplicate }) => duplicate === true).length);
      for (const { resolve } of batch) resolve();
      return true;
    } catch (error) {
      if (isRefusal(error)) return this.#storeOthers(batch, error);
      this.#options.onBlocked(error);
      // What waits comes after these in the log.
      giveBack([...batch, ...this.#waiting.splice(0)], error);
      return false;
    }
  }

  /** One of them is refused, and so all were: the halves tell which. */
  async #storeOthers(batch: readonly Waiting[], error: unknown): Promise<boolean> {
    const [first] = batch;
    if (batch.length === 1 && first !== undefined) {
      first.reject(refused(first.event, error));
      return true;
    }
    const middle = Math.ceil(batch.length / 2);
    const later = batch.slice(middle);
    if (await this.#store(batch.slice(0, middle))) return this.#store(later);
    giveBack(later, error);
    return false;
  }
}

function giveBack(batch: readonly Waiting[], error: unknown): void {
  for (const { reject } of batch) reject(new GivenBack(error));
}

function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && REFUSALS.has(code);
}

function refused({ type, lineage }: OutgoingEvent, cause: unknown): PermanentError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PermanentError(`The other queue refuses event ${lineage?.id} ("${type}"): ${why}`, {
    cause,
  });
}
