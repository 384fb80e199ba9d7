import { quoted } from "../host/quoted.ts";
import { eventClock } from "../identity/clock.ts";
import { EnvelopeError } from "../host/errors.ts";
import { isEventId, newEventId, nodeId } from "../identity/identity.ts";

/**
 * Who made an event, when, from what, and which way it came: what travels with it unchanged
 * through every bus, process and retry. Only `via` grows.
 */
export interface EventLineage {
  /** UUIDv7, given once where the event is created; that of a handler's child is derived, a UUIDv8. */
  readonly id: string;
  /** Milliseconds since the epoch, fixed at creation. */
  readonly time: number;
  /** The component that published it, e.g. `trainer`; empty when nobody said. */
  readonly source: string;
  /** Id of the node (process or worker thread, one start of it) that created it. */
  readonly origin: string;
  /** Shared by everything that follows from one first event; inherited, else the event's own id. */
  readonly correlationId: string;
  /** Id of the event that was being handled when this one was published. */
  readonly causationId?: string | undefined;
  /** Where several events caused it (a join): their ids, at most {@link MAX_CAUSES}. */
  readonly causes?: readonly string[] | undefined;
  /** Ids of the bus instances and bridged queues it has passed, oldest first. */
  readonly via: readonly string[];
  /** How many handlers lie between it and the first event of its trail; left out on that one. */
  readonly depth?: number | undefined;
  /** W3C trace context, passed through untouched. */
  readonly traceparent?: string | undefined;
}

/** Most bus instances and bridged queues an event may pass: the backstop where `via` alone would not end a loop. */
export const MAX_HOPS = 16;
/** Most ids that `causes` may hold. */
export const MAX_CAUSES = 64;

const MAX_TEXT = 512;
const FIELDS = ["source", "origin", "correlationId"] as const;

/** What {@link createLineage} can be told; everything left out is inherited or made. */
export interface LineageOptions {
  /** The component that publishes, e.g. `trainer`. @default "" */
  readonly source?: string | undefined;
  /** @default the parent's, else the event's own id */
  readonly correlationId?: string | undefined;
  /** W3C trace context. @default the parent's, if any */
  readonly traceparent?: string | undefined;
  /** The event being handled: gives the correlation id, the trace and the causation id. @default none */
  readonly parent?: EventLineage | undefined;
  /** See {@link EventLineage.causes}; beyond {@link MAX_CAUSES} they are cut off. @default none */
  readonly causes?: readonly string[] | undefined;
  /** A derived id. @default a new one */
  readonly id?: string | undefined;
}

/**
 * Makes the lineage of a new event.
 *
 * @example createLineage({ source: "trainer" }).via // []
 */
export function createLineage(options: LineageOptions = {}): EventLineage {
  const { parent, causes } = options;
  // The stamp is taken in any case: the time of the event is that of now.
  const fresh = newEventId();
  const id = options.id ?? fresh;
  const { time } = eventClock;
  const source = options.source ?? "";
  const origin = nodeId();
  const correlationId = options.correlationId ?? parent?.correlationId ?? id;
  const traceparent = options.traceparent ?? parent?.traceparent;
  // Most events: without the copies below it takes a third of the time.
  if (parent === undefined && causes === undefined && traceparent === undefined) {
    return { id, time, source, origin, correlationId, via: [] };
  }
  return {
    id,
    time,
    source,
    origin,
    correlationId,
    ...(parent && { causationId: parent.id }),
    ...(causes && { causes: causes.slice(0, MAX_CAUSES) }),
    via: [],
    ...(parent && { depth: depthBelow(parent) }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** The depth of what is published while this event is handled. */
export function depthBelow({ depth = 0 }: EventLineage): number {
  return depth + 1;
}

/** The same lineage after passing one more bus. Does not check {@link MAX_HOPS}: who forwards does. */
export function passedVia(lineage: EventLineage, busId: string): EventLineage {
  return { ...pickLineage(lineage), via: [...lineage.via, busId] };
}

/** Copies the lineage out of anything that has one (an event of a bus or a queue). */
export function pickLineage(from: EventLineage): EventLineage {
  return {
    id: from.id,
    time: from.time,
    source: from.source,
    origin: from.origin,
    correlationId: from.correlationId,
    ...(from.causationId !== undefined && { causationId: from.causationId }),
    ...(from.causes !== undefined && { causes: from.causes }),
    via: from.via,
    ...(from.depth !== undefined && { depth: from.depth }),
    ...(from.traceparent !== undefined && { traceparent: from.traceparent }),
  };
}

/**
 * Checks a lineage that somebody passed in, and returns a copy of it with nothing else in it.
 *
 * @throws EnvelopeError `INVALID_LINEAGE`, naming the field
 */
export function validateLineage(value: unknown): EventLineage {
  if (typeof value !== "object" || value === null) {
    throw invalid(
      "lineage",
      value,
      "an object with id, time, source, origin, correlationId and via",
    );
  }
  // A copy, so that what is checked is what is kept.
  const lineage = pickLineage(value as EventLineage);
  const { id, time, causationId, causes, depth, traceparent } = lineage as {
    readonly [Field in keyof EventLineage]: unknown;
  };
  if (!isEventId(id)) throw invalid("id", id, "a UUID in lower case");
  if (typeof time !== "number" || !Number.isFinite(time) || time < 0) {
    throw invalid("time", time, "milliseconds since the epoch");
  }
  for (const field of FIELDS) requireText(field, lineage[field]);
  if (causationId !== undefined) requireText("causationId", causationId);
  if (traceparent !== undefined) requireText("traceparent", traceparent);
  const via = requireTexts("via", lineage.via, MAX_HOPS);
  const all = causes !== undefined && { causes: requireTexts("causes", causes, MAX_CAUSES) };
  if (depth !== undefined && !(Number.isSafeInteger(depth) && (depth as number) >= 0)) {
    throw invalid("depth", depth, "a whole number from 0");
  }
  return { ...lineage, ...all, via };
}

function requireTexts(field: "via" | "causes", value: unknown, most: number): string[] {
  if (!Array.isArray(value) || value.length > most) {
    throw invalid(
      field,
      value,
      `an array of at most ${most} ${field === "via" ? "bus instance" : "event"} ids`,
    );
  }
  return Array.from(value, (text: unknown) => requireText(`${field}[]`, text));
}

function requireText(field: string, value: unknown): string {
  if (typeof value !== "string" || value.length > MAX_TEXT || !value.isWellFormed()) {
    throw invalid(field, value, `a well-formed string of at most ${MAX_TEXT} characters`);
  }
  return value;
}

function invalid(field: string, value: unknown, wanted: string): EnvelopeError {
  return new EnvelopeError(
    "INVALID_LINEAGE",
    `Lineage field ${quoted(field)} is ${describe(value)}. Give ${wanted}, or leave lineage out: it is for bridges that carry an existing event.`,
  );
}

function describe(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  return Array.isArray(value) ? `an array of ${value.length}` : String(value);
}
