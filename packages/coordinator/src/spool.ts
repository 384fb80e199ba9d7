import { runDetached } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type { AnyQueue, CarriedEvent } from "./wire.ts";

export interface SpoolOptions {
  readonly queue: AnyQueue;
  /** Most events to hold. */
  readonly limit: number;
  readonly onStored: (event: CarriedEvent, stored: StoredEvent) => void;
  /** An event that will never be stored, by its own fault or because the spool was abandoned. */
  readonly onGivenUp: (id: string, error: unknown) => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Events that the queue could not take: held in memory, bounded, and sent in order once it can. The log
 * is unique by event id, so an event whose first send did arrive after all is not stored twice.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #waiting: CarriedEvent[] = [];
  readonly #onEmpty = new Set<() => void>();
  #pause = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #draining = false;
  #abandoned = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Takes an event; `false` when there is no room. */
  add(event: CarriedEvent): boolean {
    if (this.#waiting.length >= this.#options.limit) return false;
    this.#waiting.push(event);
    this.#schedule();
    return true;
  }

  /** Resolves when nothing waits, or the signal aborts. */
  async drained(signal?: AbortSignal): Promise<void> {
    if (this.#waiting.length === 0 || signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty.add(resolve);
    signal?.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    this.#onEmpty.delete(resolve);
  }

  /** Goes on after {@link abandon}. */
  open(): void {
    this.#abandoned = false;
    if (this.#waiting.length > 0) this.#schedule();
  }

  /**
   * Gives up everything that waits, except for what is being sent right now, which has one last chance.
   * Returns how many events are left in this way.
   */
  abandon(): number {
    this.#abandoned = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const left = this.#waiting.length;
    for (const event of this.#waiting.splice(this.#draining ? 1 : 0)) this.#giveUp(event);
    this.#announceIfEmpty();
    return left;
  }

  #giveUp(event: CarriedEvent): void {
    const error = new Error(
      `Event "${event.type}" (${event.lineage.id}) was never stored: the coordinator stopped.`,
    );
    this.#options.onGivenUp(event.lineage.id, error);
  }

  #schedule(): void {
    if (this.#timer || this.#draining) return;
    // The spool outlives the handler that published, so it must not run as part of it.
    runDetached(() => {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        void this.#drain();
      }, this.#pause);
    });
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }

  async #drain(): Promise<void> {
    this.#draining = true;
    try {
      for (let event = this.#waiting[0]; event; event = this.#waiting[0]) {
        const { type, payload, headers, lineage } = event;
        let stored: StoredEvent;
        try {
          stored = await this.#options.queue.send(type, payload, { headers, lineage });
        } catch (error) {
          if (isRefusal(error)) {
            this.#waiting.shift();
            this.#options.onGivenUp(lineage.id, error);
            continue;
          }
          if (!this.#abandoned) return;
          this.#waiting.shift();
          this.#giveUp(event);
          continue;
        }
        this.#waiting.shift();
        this.#pause = FIRST_PAUSE_MS;
        this.#options.onStored(event, stored);
      }
    } finally {
      this.#draining = false;
      if (this.#waiting.length > 0) this.#schedule();
      this.#announceIfEmpty();
    }
  }

  #announceIfEmpty(): void {
    if (this.#waiting.length > 0) return;
    for (const resolve of this.#onEmpty) resolve();
  }
}

const REFUSALS = /^(INVALID_|PAYLOAD_|UNSUPPORTED|QUEUE_CLOSED|ID_TAKEN)/;

/** Whether the queue will never take the event, however often it is tried. */
export function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && REFUSALS.test(code);
}
