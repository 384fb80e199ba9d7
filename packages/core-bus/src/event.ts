import { eventClock, type EventLineage, eventIdOf, nodeId } from "@ringrift/envelope";

/** Remarks beside an event's payload; the bus looks at none of them. */
export type Metadata = Readonly<Record<string, unknown>>;

/**
 * An event as its handlers see it: one object per publish, the same for all of them and in the
 * history. `id` and `time` are fixed when it is published. The payload is the publisher's own object,
 * neither copied nor frozen: treat it as read-only.
 *
 * Its lineage survives `pickLineage(event)` and `JSON.stringify(event)`; a spread (`{ ...event }`)
 * leaves out `id` and `correlationId`, which are written when they are first read.
 */
export interface BusEvent<K extends string = string, P = unknown> extends EventLineage {
  readonly topic: K;
  readonly payload: P;
  readonly metadata: Metadata;
  /** True when a bridge brought the event again: its effect may have happened already. */
  readonly redelivered?: boolean;
}

/** What the publisher of an event says about it besides its payload. */
export interface EventDetails {
  readonly metadata?: object | undefined;
  readonly source?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly redelivered?: boolean | undefined;
  /** The event exists already, and a bridge carries it: all of these but the metadata stay as they were. */
  readonly lineage?: EventLineage | undefined;
}

const NO_METADATA: Metadata = Object.freeze({});

/** The bus's own class behind {@link BusEvent}: the lazy id, and which publishes are unfinished. */
export class PublishedEvent implements BusEvent {
  readonly topic: string;
  readonly payload: unknown;
  readonly metadata: Metadata;
  readonly time: number;
  readonly source: string;
  readonly origin: string;
  readonly causationId?: string;
  readonly via: readonly string[];
  readonly traceparent?: string;
  readonly redelivered?: boolean;
  #id: string | undefined;
  #counter = 0;
  #correlationId: string | undefined;
  #running = 0;
  #outer: PublishedEvent | undefined;
  #settled: PromiseWithResolvers<void> | undefined;

  /**
   * An event that begins here, in the handling of `cause`, with the stamp that the clock took last; or,
   * with a lineage, one that is carried: then `cause` only says what it is nested in.
   */
  constructor(
    topic: string,
    payload: unknown,
    via: readonly string[],
    cause: EventLineage | undefined,
    details: EventDetails | undefined,
  ) {
    this.topic = topic;
    this.payload = payload;
    this.via = via;
    if (cause instanceof PublishedEvent) this.#outer = cause;
    const lineage = details?.lineage;
    if (lineage) {
      this.#id = lineage.id;
      this.#correlationId = lineage.correlationId;
      this.time = lineage.time;
      this.source = lineage.source;
      this.origin = lineage.origin;
      if (lineage.causationId !== undefined) this.causationId = lineage.causationId;
      if (lineage.traceparent !== undefined) this.traceparent = lineage.traceparent;
    } else {
      this.#counter = eventClock.counter;
      this.time = eventClock.time;
      this.source = details?.source ?? "";
      this.origin = nodeId();
      if (cause) {
        this.#correlationId = cause.correlationId;
        this.causationId = cause.id;
        if (cause.traceparent !== undefined) this.traceparent = cause.traceparent;
      }
    }
    this.metadata = NO_METADATA;
    if (!details) return;
    if (details.metadata) this.metadata = details.metadata as Metadata;
    if (details.redelivered !== undefined) this.redelivered = details.redelivered;
    if (lineage) return;
    if (details.correlationId !== undefined) this.#correlationId = details.correlationId;
    if (details.traceparent !== undefined) this.traceparent = details.traceparent;
  }

  get id(): string {
    return (this.#id ??= eventIdOf(this.time, this.#counter));
  }

  get correlationId(): string {
    return (this.#correlationId ??= this.id);
  }

  /** Handlers of this event start: publishes in them are nested in it until {@link finish}. */
  begin(): void {
    this.#running += 1;
  }

  /** The last `finish` lets go of the outer event, so that a chain of events is never a chain in memory. */
  finish(): void {
    this.#running -= 1;
    if (this.#running > 0) return;
    if (this.#outer !== undefined) this.#outer = undefined;
    if (this.#settled === undefined) return;
    this.#settled.resolve();
    this.#settled = undefined;
  }

  /** Resolves when no handler of this event is running; at once when none is. */
  async settled(): Promise<void> {
    if (this.#running === 0) return;
    this.#settled ??= Promise.withResolvers();
    await this.#settled.promise;
  }

  get isRunning(): boolean {
    return this.#running > 0;
  }

  /** The unfinished publishes that this one would be nested in, innermost first. */
  *unfinished(): Generator<PublishedEvent> {
    for (let event: PublishedEvent | undefined = this.#outer; event; event = event.#outer) {
      if (event.#running > 0) yield event;
    }
  }

  /** Number of unfinished publishes around this one. */
  depth(): number {
    let depth = 0;
    for (let event: PublishedEvent | undefined = this.#outer; event; event = event.#outer) {
      if (event.#running > 0) depth += 1;
    }
    return depth;
  }

  toJSON(): object {
    return {
      id: this.id,
      topic: this.topic,
      payload: this.payload,
      metadata: this.metadata,
      time: this.time,
      source: this.source,
      origin: this.origin,
      correlationId: this.correlationId,
      causationId: this.causationId,
      via: this.via,
      traceparent: this.traceparent,
      redelivered: this.redelivered,
    };
  }

  static {
    // `console.log(event)` in Node.js shows what is lazy, too.
    Object.defineProperty(this.prototype, Symbol.for("nodejs.util.inspect.custom"), {
      value(this: PublishedEvent) {
        return this.toJSON();
      },
    });
  }
}

/**
 * For bridges: resolves when all handlers that are running for this event have settled, those of a
 * `publishSync` too; at once when none is. A handler that awaits it waits for itself.
 */
export async function settled(event: BusEvent): Promise<void> {
  if (event instanceof PublishedEvent) await event.settled();
}
