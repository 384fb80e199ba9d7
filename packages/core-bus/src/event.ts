import {
  type EventLineage,
  type EventStamp,
  eventIdOf,
  nextStamp,
  nodeId,
} from "@ringrift/envelope";

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

/** The parts of an event that its publisher gives. */
export interface EventParts {
  readonly topic: string;
  readonly payload: unknown;
  readonly metadata: Metadata;
  readonly via: readonly string[];
  readonly redelivered: boolean | undefined;
}

/** What a new event is told; without a cause it starts a trail of its own. */
export interface EventOrigin {
  readonly source?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly traceparent?: string | undefined;
}

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
  #id: string | EventStamp;
  #correlationId: string | undefined;
  #running = 0;
  #outer: PublishedEvent | undefined;
  #settled: PromiseWithResolvers<void> | undefined;

  private constructor(
    parts: EventParts,
    cause: EventLineage | undefined,
    from: { readonly lineage: EventLineage } | EventOrigin,
  ) {
    this.topic = parts.topic;
    this.payload = parts.payload;
    this.metadata = parts.metadata;
    this.via = parts.via;
    if (parts.redelivered !== undefined) this.redelivered = parts.redelivered;
    this.#outer = cause instanceof PublishedEvent ? cause : undefined;
    let causationId: string | undefined;
    let traceparent: string | undefined;
    if ("lineage" in from) {
      const { lineage } = from;
      this.#id = lineage.id;
      this.#correlationId = lineage.correlationId;
      this.time = lineage.time;
      this.source = lineage.source;
      this.origin = lineage.origin;
      causationId = lineage.causationId;
      traceparent = lineage.traceparent;
    } else {
      const stamp = nextStamp();
      this.#id = stamp;
      this.#correlationId = from.correlationId ?? cause?.correlationId;
      this.time = stamp.time;
      this.source = from.source ?? "";
      this.origin = nodeId();
      causationId = cause?.id;
      traceparent = from.traceparent ?? cause?.traceparent;
    }
    if (causationId !== undefined) this.causationId = causationId;
    if (traceparent !== undefined) this.traceparent = traceparent;
  }

  /** An event that begins here, in the handling of `cause`. */
  static create(
    parts: EventParts,
    cause: EventLineage | undefined,
    origin: EventOrigin,
  ): PublishedEvent {
    return new PublishedEvent(parts, cause, origin);
  }

  /** An event that a bridge carries: its lineage stays as it is; `cause` only says where it is nested. */
  static carry(
    parts: EventParts,
    cause: EventLineage | undefined,
    lineage: EventLineage,
  ): PublishedEvent {
    return new PublishedEvent(parts, cause, { lineage });
  }

  get id(): string {
    if (typeof this.#id !== "string") this.#id = eventIdOf(this.#id);
    return this.#id;
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
    this.#outer = undefined;
    this.#settled?.resolve();
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
