import { headers as newHeaders, type MsgHdrs } from "@nats-io/transport-node";
import { validateLineage } from "@ringrift/envelope";
import { QueueError, type StoredEvent } from "@ringrift/event-queue";
import {
  checkHeaders,
  checkText,
  type EventRecord,
  type OutgoingRecord,
  toStoredEvent,
} from "@ringrift/event-queue/backend";
import { bucketOf, type Names } from "../server/names.ts";

/** Header names. The payload is the message's data, as JSON text. */
export const HEADER = {
  /** The event's id, for people who look at a stream; the lineage has it too. */
  id: "Ringrift-Id",
  /** Id, time, source, origin, correlation, causation, via: a JSON object. */
  lineage: "Ringrift-Lineage",
  /** As in W3C Trace Context, for tools that know it. */
  traceparent: "traceparent",
  /** A JSON string. */
  key: "Ringrift-Key",
  /** The sender's headers: a JSON object of strings. */
  headers: "Ringrift-Headers",
  /** When it was given to the log, in ms since the epoch, by the server's clock. */
  storedAt: "Ringrift-Stored-At",
  /** Type and place in the log of an event that is kept elsewhere: a dead letter, or one redriven. */
  type: "Ringrift-Type",
  position: "Ringrift-Position",
  /** When it enters the log, while it waits for that; and what the log will know it by. */
  dueAt: "Ringrift-Due-At",
  messageId: "Ringrift-Message-Id",
  /** Why it is a dead letter: a JSON object. */
  letter: "Ringrift-Letter",
} as const;

/** What only an event has that waits for its time: in the log its subject and its sequence say it. */
const WAITING_ONLY: ReadonlySet<string> = new Set([
  HEADER.dueAt,
  HEADER.messageId,
  HEADER.type,
  HEADER.position,
]);

/** How far a sender's idea of the server's clock may be off. */
export const CLOCK_SLACK_MS = 2_000;

/** An event as a stream holds it, its payload not yet read. */
export type EventMessage = Omit<EventRecord, "dueAt">;

/** A message on an event's subject that is no event of ours, or a damaged one. */
export interface BrokenMessage {
  readonly position: number;
  readonly type: string;
  readonly storedAt: number;
  readonly text: string;
  readonly error: QueueError;
}

/**
 * What the server remembers an event by. Ids and dedupe keys share one memory there and must not meet. Both count
 * within the type, whose subject the sender must be allowed to publish to: nobody else can take them in advance.
 */
export function messageId(record: OutgoingRecord): string {
  const { type, dedupeKey } = record;
  return dedupeKey === undefined
    ? idOfEvent(record)
    : `${type}:key:${encodeURIComponent(dedupeKey)}`;
}

/** What the server remembers an event by that has no dedupe key. */
export function idOfEvent({ lineage, type }: Pick<OutgoingRecord, "lineage" | "type">): string {
  return `${type}:${lineage.id}`;
}

/** Whether a message id is the event's own, and not a dedupe key. */
export function isIdOfEvent(id: string): boolean {
  return !/^[^:]*:key:/.test(id);
}

/** Whether an event may be the repetition of another send: the id of any other one was made for it just now. */
export function isRepeatable({ dedupeKey, fresh }: OutgoingRecord): boolean {
  return dedupeKey !== undefined || !fresh;
}

/** The event that a send gives for what it stored. */
export function eventOf(record: OutgoingRecord, position: number, storedAt: number): StoredEvent {
  const { lineage, type, body, key, headers } = record;
  return toStoredEvent({ lineage, type, body, key, headers, position, storedAt });
}

/** Headers of an event that is sent. */
export function eventHeaders(record: OutgoingRecord, storedAt: number): MsgHdrs {
  const { lineage, key, headers } = record;
  const result = newHeaders();
  result.set(HEADER.id, lineage.id);
  result.set(HEADER.lineage, JSON.stringify(lineage));
  result.set(HEADER.storedAt, String(storedAt));
  if (key !== undefined) result.set(HEADER.key, JSON.stringify(key));
  if (Object.keys(headers).length > 0) result.set(HEADER.headers, JSON.stringify(headers));
  const { traceparent } = lineage;
  if (traceparent !== undefined && /^[\w-]+$/.test(traceparent)) {
    result.set(HEADER.traceparent, traceparent);
  }
  return result;
}

/** The headers that an event has in the log, of those it had where it waited for its time. */
export function admittedHeaders(waiting: MsgHdrs, storedAt: number): MsgHdrs {
  const result = newHeaders();
  for (const [name, values] of waiting) {
    if (/^nats-/i.test(name) || WAITING_ONLY.has(name)) continue;
    for (const value of values) result.append(name, value);
  }
  result.set(HEADER.storedAt, String(storedAt));
  return result;
}

/** What a stream says about a message. */
export interface MessageSource {
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly text: string;
  readonly position: number;
  readonly time: number;
}

/**
 * Where a message is. In the `log` its subject and the server say of which type it is, where, and since when: whoever may
 * publish to one subject can't claim another. What is `kept` elsewhere, a dead letter or an event that waits for its time, has
 * headers for that, which only this library can write.
 */
export type MessagePlace = "log" | "kept";

/** Reads a message; what isn't an event is given back with the reason. */
export function readEvent(
  message: MessageSource,
  names: Names,
  place: MessagePlace,
): { readonly event: EventMessage } | { readonly broken: BrokenMessage } {
  const { text } = message;
  const where = placeOf(message, names, place);
  try {
    const own = ownOf(message);
    if (place === "log" && bucketOf(own.key) !== names.bucketOf(message.subject)) {
      throw new Error(`Its key ${JSON.stringify(own.key)} doesn't belong to its subject.`);
    }
    return { event: { ...where, body: text, ...own } };
  } catch (cause) {
    const error = new QueueError(
      "CORRUPT_EVENT",
      `Message ${where.position} of type "${where.type}" is no event of this library, or a damaged one. Something else writes to the subjects of this queue.`,
      { cause },
    );
    return { broken: { ...where, text, error } };
  }
}

function placeOf(
  { headers, subject, position, time }: MessageSource,
  names: Names,
  place: MessagePlace,
): Pick<EventMessage, "type" | "position" | "storedAt"> {
  const said = Number(headers?.get(HEADER.storedAt) || time);
  if (place === "log") {
    // The sender knew the server's time to some ms, and has told its caller.
    const storedAt = Math.abs(said - time) <= CLOCK_SLACK_MS ? said : time;
    return { type: names.typeOf(subject), position, storedAt };
  }
  return {
    type: headers?.get(HEADER.type) || names.typeOf(subject),
    position: Number(headers?.get(HEADER.position) || position),
    storedAt: said,
  };
}

/** What the event says of itself, checked as if it were sent. */
function ownOf({ headers }: MessageSource): Pick<EventMessage, "lineage" | "key" | "headers"> {
  const read = (name: string): unknown => {
    const text = headers?.get(name) ?? "";
    return text === "" ? undefined : JSON.parse(text);
  };
  const lineage = read(HEADER.lineage);
  if (lineage === undefined) throw new Error(`It has no header "${HEADER.lineage}".`);
  const key = read(HEADER.key);
  return {
    lineage: validateLineage(lineage),
    key: key === undefined ? undefined : checkText("key", key),
    headers: checkHeaders(read(HEADER.headers), { isCarried: true }),
  };
}
