import {
  type BusEvent,
  type EventBus,
  isRepeated,
  quiet,
  settled,
  type Subscription,
} from "@ringrift/core-bus";
import { type AnyContracts, pickLineage } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Counters } from "../carrying/counters.ts";
import type { CoordinatorError } from "../errors.ts";
import { givenUp, notRunning, notStored, spoolFull, warnNotRunning } from "./not-stored.ts";
import { checkOutcome } from "../carrying/outcome.ts";
import type { OwnEvents } from "./own-events.ts";
import { recentIdsOf } from "../carrying/recent-ids.ts";
import { isRefusal, Spool, type SpoolOutcome } from "./spool.ts";
import { type AnyQueue, type CarriedEvent, toHeaders } from "../carrying/wire.ts";

export interface OutboundOptions {
  readonly bus: EventBus<AnyContracts>;
  readonly queue: AnyQueue;
  readonly catalogue: AnyCatalogue;
  readonly node: string | undefined;
  readonly counters: Counters;
  readonly own: OwnEvents;
  readonly spoolLimit: number;
  readonly onError: (error: unknown) => void;
}

/**
 * What goes out. `waiting`: it is not started yet, or a start has failed, and events wait in the spool. `open`: they are stored. `finishing`: only
 * those of handlers that a stop waits for are. `shut`: none is, until the next start.
 */
type Door = "waiting" | "open" | "finishing" | "shut";

/**
 * Topic → queue: stores every mapped event of the bus. It starts before the handlers of the event and
 * is awaited with them, so that the end of `publish` means "stored", or its errors say why not.
 */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #spool: Spool;
  #subscriptions: Subscription[] = [];
  /** Events that the queue has already: on their way from it, or stored before they are dispatched. */
  readonly #carried = new Set<string>();
  #door: Door = "waiting";
  /** What is said while the spool is full, until it is half empty. */
  #overflowing: CoordinatorError | undefined;
  #hasWarned = false;
  /** What waited for the start is being stored. */
  #opening: Promise<void> | undefined;

  constructor(options: OutboundOptions) {
    const { queue, spoolLimit: limit } = options;
    this.#options = options;
    this.#spool = new Spool({
      queue,
      limit,
      onStored: (_, stored) => this.#stored(stored),
      onRefused: (_, error) => {
        options.counters.drop(isRefusal(error) ? "invalid" : "error");
        options.onError(error);
      },
    });
  }

  /** Subscribes exactly the topics that have a name on the queue. */
  attach(): void {
    const { bus, catalogue } = this.#options;
    for (const entry of catalogue.entries.values()) {
      if (entry.crossProcess === undefined) continue;
      const type = entry.crossProcess;
      this.#subscriptions.push(
        bus.subscribe(entry.topic, (event: BusEvent) => this.#forward(type, event), {
          priority: Number.MAX_VALUE,
          tap: true,
          name: "topic → queue",
        }),
      );
    }
  }

  detach(): void {
    for (const subscription of this.#subscriptions) subscription();
    this.#subscriptions = [];
  }

  /** A start begins: what is published meanwhile waits for its end. Idempotent. */
  prepare(): void {
    if (this.#door === "waiting") return;
    this.#door = "waiting";
    this.#spool.hold();
  }

  /** Begins to store. Resolves when what waits has been tried. */
  open(): Promise<void> {
    this.#door = "open";
    this.#hasWarned = false;
    const opening = this.#spool.open().finally(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
    this.#opening = opening;
    return opening;
  }

  /** Whether events are stored, of whomever. */
  get isOpen(): boolean {
    return this.#door === "open";
  }

  /** Whether nothing is taken until the next {@link prepare}. */
  get isShut(): boolean {
    return this.#door === "shut";
  }

  /** The start has failed: what waits goes on waiting, for the next one. */
  takeBack(): void {
    this.#door = "waiting";
    this.#spool.hold();
  }

  /** Takes nothing more from outside; handlers whose events are under way may still publish. */
  finish(): void {
    if (this.#door === "open") this.#door = "finishing";
  }

  /** Whether an event is taken that was published in the handling of another one, or of none. */
  takes(causationId: string | undefined): boolean {
    if (this.#door === "finishing") {
      return causationId !== undefined && this.#options.own.dispatchOf(causationId) !== undefined;
    }
    return this.#door !== "shut";
  }

  /** Takes nothing more, and gives up what waits. Returns the ids of what is not stored. */
  shut(): readonly string[] {
    const unstored = [...this.#spool.ids()];
    this.#door = "shut";
    const given = this.#spool.abandon();
    for (const _ of given) this.#options.counters.drop("error");
    if (given.length > 0) this.#options.onError(givenUp(given));
    return unstored;
  }

  /** Runs a dispatch of an event that the queue has already, so that it isn't sent there again. */
  async carry<T>(id: string, dispatch: () => Promise<T>): Promise<T> {
    this.#carried.add(id);
    try {
      return await dispatch();
    } finally {
      this.#carried.delete(id);
    }
  }

  get spooled(): number {
    return this.#spool.late;
  }

  /** Ids of the events that are not stored. */
  unstored(): IterableIterator<string> {
    return this.#spool.ids();
  }

  /** Waits until everything published so far is stored or given up, at most until the signal aborts. */
  flush(signal?: AbortSignal): Promise<void> {
    return this.#spool.flush(signal);
  }

  #forward(type: string, event: BusEvent): Promise<void> | undefined {
    if (this.#carried.has(event.id)) return undefined;
    const { catalogue, node, counters } = this.#options;
    if (!this.takes(event.causationId)) throw this.#notRunning(type);
    const { topic, payload } = event;
    let headers: CarriedEvent["headers"];
    try {
      checkOutcome(catalogue, topic, payload);
      headers = toHeaders(event, node);
    } catch (error) {
      // The bus reports what a handler throws, and has it among the errors of the publish.
      counters.drop("invalid");
      throw error;
    }
    const outgoing = { type, payload, headers, lineage: pickLineage(event) };
    const outcome = this.#spool.add(outgoing);
    if (outcome instanceof Promise) {
      this.#begin(event);
      return outcome.then((known) => this.#tell(outgoing, known));
    }
    if (outcome.kind !== "full") this.#begin(event);
    this.#tell(outgoing, outcome);
    return undefined;
  }

  #begin(event: BusEvent): void {
    // A child that was published before is waited for since then, or has come back already.
    if (isRepeated(event)) return;
    const { own } = this.#options;
    own.begin(event.id, event.causationId, settled(event));
    // If an earlier publish of it was rejected: its handlers are called now.
    own.find(event.id);
  }

  /** Throws unless it is stored: that is what the publisher gets among the errors. */
  #tell(outgoing: CarriedEvent, outcome: SpoolOutcome): void {
    const { counters } = this.#options;
    switch (outcome.kind) {
      case "stored":
        return;
      case "full":
        throw this.#overflow(outgoing);
      case "refused":
        counters.drop("invalid");
        throw outcome.error;
      case "ended":
        counters.drop("error");
        throw notStored(outgoing, { isOver: true, cause: outcome.error });
      case "waiting":
        throw this.#waits(outgoing, outcome.cause);
    }
  }

  #waits(outgoing: CarriedEvent, cause: unknown): CoordinatorError {
    const isOpening = this.#opening !== undefined && cause === undefined;
    const isStarted = this.#door !== "waiting" && !isOpening;
    const error = notStored(outgoing, { cause, isStarted });
    // Until the start is over it is as it should be, and no failure.
    return isStarted ? error : quiet(error);
  }

  #overflow({ type }: CarriedEvent): CoordinatorError {
    const { counters, onError, spoolLimit } = this.#options;
    counters.drop("error");
    if (this.#overflowing === undefined) {
      // One for all of a streak: a flood must not be slowed down by what is said of it.
      this.#overflowing = quiet(spoolFull(type, spoolLimit));
      onError(this.#overflowing);
    }
    return this.#overflowing;
  }

  #notRunning(type: string): CoordinatorError {
    this.#options.counters.drop("not-running");
    if (!this.#hasWarned) warnNotRunning(type);
    this.#hasWarned = true;
    return quiet(notRunning(type));
  }

  #stored(stored: StoredEvent): void {
    const { bus, counters, own, spoolLimit } = this.#options;
    // Another process stored it first. It has been here, and must not come once more.
    if (stored.duplicate && !stored.via.includes(bus.id)) {
      recentIdsOf(bus).add(stored.id);
      own.goesAhead(stored.id);
    }
    own.storedAt(stored.position);
    if (this.#spool.size <= spoolLimit / 2) this.#overflowing = undefined;
    counters.forward("topicToQueue");
  }
}
