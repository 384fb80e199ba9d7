import { eventClock } from "./clock.ts";
import { EnvelopeError } from "./errors.ts";
import { isEventId, newEventId, nodeId } from "./identity.ts";

/**
 * Who made an event, when, from what, and which way it came: what travels with it unchanged
 * through every bus, process and retry. Only `via` grows.
 */
export interface EventLineage {
  /** UUIDv7, given once where the event is created. */
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
  /** Ids of the bus instances and bridged queues it has passed, oldest first. */
  readonly via: readonly string[];
  /** W3C trace context, passed through untouched. */
  readonly traceparent?: string | undefined;
}

/** Most bus instances and bridged queues an event may pass: the backstop where `via` alone would not end a loop. */
export const MAX_HOPS = 16;

const MAX_TEXT = 512;
const FIELDS = ["source", "origin", "correlationId"] as const;

/** What {@link createLineage} can be told; everything left out is inherited or made. */
export interface LineageOptions {
  readonly source?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly traceparent?: string | undefined;
  /** The event being handled: gives the correlation id, the trace and the causation id. */
  readonly parent?: EventLineage | undefined;
}

/**
 * Makes the lineage of a new event.
 *
 * @example createLineage({ source: "trainer" }).via // []
 */
export function createLineage(options: LineageOptions = {}): EventLineage {
  const { parent } = options;
  const id = newEventId();
  const traceparent = options.traceparent ?? parent?.traceparent;
  return {
    id,
    time: eventClock.time,
    source: options.source ?? "",
    origin: nodeId(),
    correlationId: options.correlationId ?? parent?.correlationId ?? id,
    ...(parent && { causationId: parent.id }),
    via: [],
    ...(traceparent !== undefined && { traceparent }),
  };
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
    via: from.via,
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
  const lineage = value as Record<string, unknown>;
  if (!isEventId(lineage["id"])) throw invalid("id", lineage["id"], "a UUID in lower case");
  const time = lineage["time"];
  if (typeof time !== "number" || !Number.isFinite(time) || time < 0) {
    throw invalid("time", time, "milliseconds since the epoch");
  }
  for (const field of FIELDS) requireText(field, lineage[field]);
  if (lineage["causationId"] !== undefined) requireText("causationId", lineage["causationId"]);
  if (lineage["traceparent"] !== undefined) requireText("traceparent", lineage["traceparent"]);
  const via = lineage["via"];
  if (!Array.isArray(via) || via.length > MAX_HOPS) {
    throw invalid("via", via, `an array of at most ${MAX_HOPS} bus instance ids`);
  }
  for (const id of via) requireText("via[]", id);
  return pickLineage(lineage as unknown as EventLineage);
}

function requireText(field: string, value: unknown): void {
  if (typeof value !== "string" || value.length > MAX_TEXT || !value.isWellFormed()) {
    throw invalid(field, value, `a well-formed string of at most ${MAX_TEXT} characters`);
  }
}

function invalid(field: string, value: unknown, wanted: string): EnvelopeError {
  return new EnvelopeError(
    "INVALID_LINEAGE",
    `Lineage field "${field}" is ${describe(value)}. Give ${wanted}, or leave lineage out: it is for bridges that carry an existing event.`,
  );
}

function describe(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 60)}"`;
  return Array.isArray(value) ? `an array of ${value.length}` : String(value);
}
