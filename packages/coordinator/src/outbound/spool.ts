import { runDetached } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type { AnyQueue, CarriedEvent } from "../carrying/wire.ts";

export interface SpoolOptions {
  readonly queue: AnyQueue;
  /** Most events to hold, those included that are on their way to the queue. */
  readonly limit: number;
  readonly onStored: (event: CarriedEvent, stored: StoredEvent) => void;
  /** The queue will never take an event, and whoever published it was told that it waits. */
  readonly onRefused: (event: CarriedEvent, error: unknown) => void;
}

/**
 * What came of an event at its first try. `waiting`: it is tried again in its place; without a `cause`, it was not tried,
 * since others wait before it. `ended`: it is not tried again, since the spool has ended meanwhile.
 */
export type SpoolOutcome =
  | { readonly kind: "stored" | "full" }
  | { readonly kind: "refused" | "ended"; readonly error: unknown }
  | { readonly kind: "waiting"; readonly cause: unknown };

interface Entry {
  readonly event: CarriedEvent;
  readonly number: number;
  isSending: boolean;
  /** Whether it was not stored at its first try, or had to wait for it. */
  isLate: boolean;
}

const STORED: SpoolOutcome = { kind: "stored" };
const FULL: SpoolOutcome = { kind: "full" };
const UNTRIED: SpoolOutcome = { kind: "waiting", cause: undefined };
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Most events that are sent at once when the queue takes them again. */
const LARGEST_BATCH = 256;

/**
 * The one way out to the queue, bounded. An event has its place from the moment when it is published until it is stored or
 * given up. While the queue takes what it gets, events are sent at once, and those of one turn share a commit. When it
 * refuses one for now, that one and all later ones wait, and are sent in the order of their places once it can. The log is
 * unique by event id, so an event whose first send did arrive after all is not stored twice.
 */
export class Spool {
  readonly #options: SpoolOptions;
  /** In the order in which they were published. */
  readonly #entries = new Set<Entry>();
  readonly #flushes = new Set<{ readonly upTo: number; readonly resolve: () => void }>();
  /** `held`: nothing is sent yet. */
  #state: "held" | "open" | "ended" = "held";
  #count = 0;
  /** Not on their way. */
  #waiting = 0;
  #late = 0;
  #sending = 0;
  #onIdle: (() => void) | undefined;
  #pause = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #draining: Promise<void> | undefined;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Events in it. */
  get size(): number {
    return this.#entries.size;
  }

  /** Of these, not on their way for the first time. */
  get late(): number {
    return this.#late;
  }

  /** Ids of the events in it. */
  *ids(): IterableIterator<string> {
    for (const { event } of this.#entries) yield event.lineage.id;
  }

  /** Takes an event; it has its place when this returns. */
  add(event: CarriedEvent): SpoolOutcome | Promise<SpoolOutcome> {
    if (this.#entries.size >= this.#options.limit) return FULL;
    this.#count += 1;
    // Those that are tried again may be refused again, and have their places before this one.
    const isSending = this.#state === "open" && this.#late === 0;
    const entry = { event, number: this.#count, isSending, isLate: false };
    this.#entries.add(entry);
    if (isSending) return this.#send(entry);
    this.#wait(entry);
    return UNTRIED;
  }

  /** Resolves when everything that is in it now is stored or given up, or the signal aborts. */
  async flush(signal?: AbortSignal): Promise<void> {
    if (this.#entries.size === 0 || signal?.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const flush = { upTo: this.#count, resolve };
    this.#flushes.add(flush);
    const onAbort = (): void => resolve();
    signal?.addEventListener("abort", onAbort, { once: true });
    await promise;
    signal?.removeEventListener("abort", onAbort);
    this.#flushes.delete(flush);
  }

  /** Begins to send. Resolves when what waits has been tried: it is stored, or the queue refuses it for now. */
  open(): Promise<void> {
    this.#state = "open";
    return this.#drain();
  }

  /** Sends nothing until {@link open}. */
  hold(): void {
    this.#state = "held";
    this.#stopTimer();
  }

  /**
   * Ends retrying, until {@link open}. Returns the events that are given up by that; those on their way have one last
   * chance.
   */
  abandon(): readonly CarriedEvent[] {
    this.#state = "ended";
    this.#stopTimer();
    const given = [...this.#entries].filter(({ isSending }) => !isSending);
    this.#waiting = 0;
    for (const entry of given) this.#remove(entry);
    return given.map(({ event }) => event);
  }

  async #send(entry: Entry): Promise<SpoolOutcome> {
    const { event } = entry;
    const { type, payload, headers, lineage } = event;
    this.#sending += 1;
    try {
      const stored = await this.#options.queue.send(type, payload, { headers, lineage });
      this.#remove(entry);
      this.#options.onStored(event, stored);
      return STORED;
    } catch (error) {
      const isRefused = isRefusal(error);
      if (isRefused || this.#state === "ended") {
        this.#remove(entry);
        return { kind: isRefused ? "refused" : "ended", error };
      }
      this.#wait(entry);
      return { kind: "waiting", cause: error };
    } finally {
      this.#sending -= 1;
      if (this.#sending === 0) this.#onIdle?.();
    }
  }

  #wait(entry: Entry): void {
    this.#waiting += 1;
    if (!entry.isLate) this.#late += 1;
    entry.isLate = true;
    entry.isSending = false;
    this.#schedule();
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry);
    if (entry.isLate) this.#late -= 1;
    if (this.#flushes.size === 0) return;
    const first = this.#entries.values().next();
    const reached = first.done ? Number.POSITIVE_INFINITY : first.value.number;
    for (const { upTo, resolve } of this.#flushes) if (upTo < reached) resolve();
  }

  #schedule(): void {
    if (this.#state !== "open" || this.#timer || this.#draining) return;
    // The spool outlives the handler that published, so it must not run as part of it.
    runDetached(() => {
      this.#timer = setTimeout(() => void this.#drain(), this.#pause);
    });
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #drain(): Promise<void> {
    this.#stopTimer();
    this.#draining ??= runDetached(() => this.#sendWaiting()).finally(() => {
      this.#draining = undefined;
      if (this.#waiting > 0) this.#schedule();
    });
    return this.#draining;
  }

  /** Begins with one, since the queue may refuse it as it did before, and goes on in batches that grow. */
  async #sendWaiting(): Promise<void> {
    for (let size = 1; this.#state === "open" && this.#waiting > 0;) {
      // What was published before and is on its way may be refused, and has its place before these.
      await this.#idle();
      const batch = this.#nextBatch(size);
      const isTaken = batch.length > 1 ? await this.#sendBatch(batch) : await this.#sendEach(batch);
      if (!isTaken) return;
      this.#pause = FIRST_PAUSE_MS;
      size = Math.min(size * 2, LARGEST_BATCH);
    }
  }

  #nextBatch(size: number): Entry[] {
    const batch: Entry[] = [];
    if (this.#state !== "open") return batch;
    for (const entry of this.#entries) {
      if (batch.length === size) break;
      entry.isSending = true;
      batch.push(entry);
    }
    this.#waiting -= batch.length;
    return batch;
  }

  /** All at once or, where the queue refuses any, none: a refusal in the middle must not let later ones overtake. */
  async #sendBatch(batch: readonly Entry[]): Promise<boolean> {
    const { queue, onStored, onRefused } = this.#options;
    this.#sending += 1;
    try {
      const stored = await queue.sendMany(batch.map(({ event }) => event));
      for (const [index, entry] of batch.entries()) {
        this.#remove(entry);
        const result = stored[index];
        if (result) onStored(entry.event, result);
      }
      return true;
    } catch (error) {
      // One of them is refused for good: they are sent one by one.
      if (isRefusal(error) && this.#state !== "ended") return await this.#sendEach(batch);
      for (const entry of batch) {
        if (this.#state === "ended") {
          this.#remove(entry);
          onRefused(entry.event, error);
        } else this.#wait(entry);
      }
      return false;
    } finally {
      this.#sending -= 1;
      if (this.#sending === 0) this.#onIdle?.();
    }
  }

  /** One after another; those behind one that has to wait wait, too. Resolves to whether none has to. */
  async #sendEach(batch: readonly Entry[]): Promise<boolean> {
    for (const [index, entry] of batch.entries()) {
      const { kind } = await this.#sendAgain(entry);
      if (kind !== "waiting") continue;
      for (const later of batch.slice(index + 1)) this.#wait(later);
      return false;
    }
    return true;
  }

  async #sendAgain(entry: Entry): Promise<SpoolOutcome> {
    const outcome = await this.#send(entry);
    if (outcome.kind === "refused" || outcome.kind === "ended") {
      this.#options.onRefused(entry.event, outcome.error);
    }
    return outcome;
  }

  /** Resolves when nothing is on its way. */
  async #idle(): Promise<void> {
    if (this.#sending === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    await promise;
    this.#onIdle = undefined;
  }
}

const REFUSALS = /^(INVALID_|PAYLOAD_|UNSUPPORTED|QUEUE_CLOSED|ID_TAKEN)/;

/** Whether the queue will never take the event, however often it is tried. */
export function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && REFUSALS.test(code);
}

const NOT_STORED =
  /^(INVALID_|PAYLOAD_|UNSUPPORTED|ID_TAKEN|QUEUE_BUSY|QUEUE_FULL|BACKLOG_FULL|QUEUE_READ_ONLY)/;

/** Whether an event may be in the log though its send was rejected: the answer may have been lost. */
export function mayBeStored(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code !== "string" || !NOT_STORED.test(code);
}
