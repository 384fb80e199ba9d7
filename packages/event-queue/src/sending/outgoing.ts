import {
  type Child,
  type Contracts,
  createLineage,
  currentEvent,
  currentScope,
  EnvelopeError,
  type EventLineage,
  type EventView,
  type LineageOptions,
  outcomeProblem,
  validateLineage,
} from "@ringrift/envelope";
import type { SendOptions } from "../contract/event-queue.ts";
import { QueueError } from "../failures/errors.ts";
import { checkEventType } from "../checking/names.ts";
import {
  checkMs,
  checkOptionNames,
  checkText,
  invalidOption,
  show,
} from "../checking/check-options.ts";
import { encodePayload, type PayloadLimits } from "./payload.ts";
import { isPlainObject } from "../checking/plain-object.ts";

/** One event as somebody wants it sent, nothing checked yet. */
export interface OutgoingInput extends SendOptions {
  readonly type: string;
  readonly payload?: unknown;
}

/** The arguments of a `send`, nothing checked yet. */
export interface SendArguments {
  readonly type: unknown;
  readonly payload: unknown;
  readonly options: SendOptions | undefined;
}

/** One event checked and ready to be stored. */
export interface OutgoingRecord {
  readonly type: string;
  /** The payload as JSON. */
  readonly body: string;
  readonly key: string | undefined;
  /** It counts among the events of its type. */
  readonly dedupeKey: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** It enters the log so much later; 0 for at once. */
  readonly delayMs: number;
  /** The given one, or a new one that inherits from the event being handled. */
  readonly lineage: EventLineage;
  /** Its id was made just now: no log has it yet. */
  readonly fresh: boolean;
  /** Its id was derived, as that of a handler's child. */
  readonly child?: Child | undefined;
  /** It comes from another log, in a migration: another process may have stored it before, whoever has made its id. */
  readonly isCarried?: true | undefined;
  /** Its place in a `sendMany`: for messages, see `placeOf`. */
  readonly index?: number | undefined;
}

/** What a queue checks its events against. */
export interface OutgoingChecks extends PayloadLimits {
  readonly view?: EventView<Contracts> | undefined;
  /** `source` of events that come without one. */
  readonly source?: string | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof SendOptions>([
  "dedupeKey",
  "key",
  "headers",
  "delayMs",
  "source",
  "correlationId",
  "traceparent",
  "lineage",
]);
const EVENT_NAMES: ReadonlySet<string> = new Set(["type", "payload", ...OPTION_NAMES]);
const MAX_HEADER_BYTES = 16_384;
const MAX_HEADER_NAME = 128;
const RESERVED = "ringrift-";
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Checks the arguments of a `send`, takes a snapshot of the payload, and gives the event its lineage: inside of a
 * handler, that of the handler's child. Call it before the first `await`: the context is that of the caller.
 *
 * @throws QueueError `INVALID_TYPE`, `INVALID_OPTION`, `INVALID_HEADERS`, `PAYLOAD_*`, `WRONG_OUTCOME`, `UNSUPPORTED`
 * @throws EnvelopeError `INVALID_LINEAGE`
 */
export function prepareEvent(
  { type, payload, options }: SendArguments,
  checks: OutgoingChecks = {},
): OutgoingRecord {
  const given = options === undefined ? NOTHING : readOnce("send", options, OPTION_NAMES);
  return complete(check({ ...given, type, payload }, checks));
}

/**
 * The same for a `sendMany`: checks all before any is a handler's child, so that what is refused leaves
 * nothing behind. Messages name the index.
 *
 * @throws what `prepareEvent` throws
 */
export function prepareEvents(
  events: readonly OutgoingInput[],
  checks: OutgoingChecks = {},
): OutgoingRecord[] {
  if (!Array.isArray(events)) {
    throw invalidOption(`sendMany was given ${show(events)}. Give an array of { type, payload }.`);
  }
  // Not `map`: it passes over holes, and what follows would take them for events.
  return Array.from({ length: events.length }, (_, index) =>
    naming(index, () => {
      return check(readOnce("an event of sendMany", events[index], EVENT_NAMES), checks);
    }),
  ).map((draft, index) => naming(index, () => complete(draft, index)));
}

/** Runs one event's part of a `sendMany`; what is refused says which event it is. */
function naming<T>(index: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const { message, cause } = error as Error;
    const said = `${placeOf(index)}${message}`;
    if (error instanceof QueueError) throw new QueueError(error.code, said, { cause });
    if (error instanceof EnvelopeError) throw new EnvelopeError(error.code, said, { cause });
    throw error;
  }
}

/** How a message says which event of a `sendMany` it is about; empty for that of a `send`. */
export function placeOf(index: number | undefined): string {
  return index === undefined ? "" : `Event ${index} of sendMany: `;
}

/**
 * Reads each field of an event's options once, so that what is checked is what is stored.
 *
 * @throws QueueError `INVALID_OPTION`, also for one that can't be read
 */
function readOnce(where: string, given: unknown, known: ReadonlySet<string>): GivenEvent {
  try {
    // It refuses what isn't an object; of nothing it says nothing.
    checkOptionNames(where, (given ?? null) as object, known);
    const one = given as OutgoingInput;
    return {
      type: one.type,
      payload: one.payload,
      dedupeKey: one.dedupeKey,
      key: one.key,
      headers: one.headers,
      delayMs: one.delayMs,
      source: one.source,
      correlationId: one.correlationId,
      traceparent: one.traceparent,
      lineage: one.lineage,
    };
  } catch (cause) {
    if (cause instanceof QueueError) throw cause;
    throw new QueueError(
      "INVALID_OPTION",
      `Options of ${where} could not be read: one of their getters threw (see cause). Give plain data.`,
      { cause },
    );
  }
}

/** An event as given, each field read once, nothing checked. */
interface GivenEvent extends SendOptions {
  readonly type?: unknown;
  readonly payload?: unknown;
}

const NOTHING: SendOptions = Object.freeze({});

/** An event that was checked and has no lineage yet. */
interface Draft extends Omit<OutgoingRecord, "lineage" | "fresh" | "child" | "index"> {
  /** As given, or what a new one is made of. */
  readonly lineage: EventLineage | LineageOptions;
  /** Read once. */
  readonly said: SendOptions;
}

function complete(draft: Draft, index?: number): OutgoingRecord {
  const { lineage, said, type, body, key, headers, dedupeKey, delayMs } = draft;
  if ("id" in lineage) {
    const carried = lineage as EventLineage;
    return { type, body, key, dedupeKey, headers, delayMs, lineage: carried, fresh: false, index };
  }
  const parent = currentEvent();
  const scope = dedupeKey === undefined ? currentScope() : undefined;
  const { source, correlationId, traceparent } = lineage;
  const child = scope?.child(type, {
    payload: JSON.parse(body),
    key,
    headers,
    source: said.source,
    correlationId: said.correlationId,
  });
  const made = createLineage({ source, correlationId, traceparent, parent, id: child?.id });
  const fresh = child === undefined;
  return { type, body, key, dedupeKey, headers, delayMs, lineage: made, fresh, child, index };
}

function check(event: GivenEvent, checks: OutgoingChecks): Draft {
  const { type, payload, key, dedupeKey, delayMs } = event;
  const name = checkEventType(type, checks.view);
  // First: what is no JSON, such as a getter that throws, has a code of its own.
  const body = encodePayload(payload, checks);
  if (checks.view?.failureOf?.(name) !== undefined) {
    const problem = outcomeProblem(checks.view, name, JSON.parse(body));
    if (problem !== undefined) throw new QueueError("WRONG_OUTCOME", problem);
  }
  return {
    type: name,
    body,
    key: key === undefined ? undefined : checkText("key", key),
    dedupeKey: dedupeKey === undefined ? undefined : checkText("dedupeKey", dedupeKey),
    headers: checkHeaders(event.headers, { isCarried: event.lineage !== undefined }),
    delayMs: delayMs === undefined ? 0 : checkMs("delayMs", delayMs),
    lineage: lineageOf(event, checks.source),
    said: event,
  };
}

function lineageOf(
  options: SendOptions,
  usualSource: string | undefined,
): EventLineage | LineageOptions {
  const { source, correlationId, traceparent, lineage } = options;
  if (lineage !== undefined) {
    if (source !== undefined || correlationId !== undefined || traceparent !== undefined) {
      throw invalidOption(
        'Options "source", "correlationId" and "traceparent" are part of "lineage". Give either the lineage or the others.',
      );
    }
    return readLineage(lineage);
  }
  if (source !== undefined && source !== "") checkText("source", source);
  if (correlationId !== undefined) checkText("correlationId", correlationId);
  if (traceparent !== undefined) checkText("traceparent", traceparent);
  return { source: source ?? usualSource, correlationId, traceparent };
}

function readLineage(lineage: EventLineage): EventLineage {
  try {
    return validateLineage(lineage);
  } catch (cause) {
    if (cause instanceof EnvelopeError) throw cause;
    throw new QueueError(
      "INVALID_OPTION",
      'Option "lineage" could not be read: one of its getters threw (see cause). Give plain data.',
      { cause },
    );
  }
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Checks headers and returns a frozen copy: names of 1 to 128 characters without control characters, values
 * that are well-formed strings, 16 KiB in all. Names that begin with `ringrift-` are the library's: only what is carried from
 * elsewhere has them.
 *
 * @throws QueueError `INVALID_HEADERS`
 */
export function checkHeaders(
  headers: unknown,
  { isCarried = false }: { readonly isCarried?: boolean } = {},
): Readonly<Record<string, string>> {
  if (headers === undefined) return NO_HEADERS;
  const entries = entriesOf(headers);
  const copy: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value] of entries) {
    if (value === undefined) continue;
    if (
      name === "" ||
      name === "__proto__" ||
      name.length > MAX_HEADER_NAME ||
      CONTROL.test(name) ||
      !name.isWellFormed()
    ) {
      throw invalidHeaders(
        `Header name ${JSON.stringify(name.slice(0, 60))} is malformed. Give 1 to ${MAX_HEADER_NAME} characters without control characters.`,
      );
    }
    if (!isCarried && name.toLowerCase().startsWith(RESERVED)) {
      throw invalidHeaders(
        `Header name "${name}" begins with "${RESERVED}", which is reserved for the library. Give it another name.`,
      );
    }
    if (typeof value !== "string" || !value.isWellFormed()) {
      throw invalidHeaders(`Header "${name}" is ${show(value)}. Give a well-formed string.`);
    }
    copy[name] = value;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (bytes > MAX_HEADER_BYTES) {
    throw invalidHeaders(
      `Headers are ${bytes} bytes; the limit is ${MAX_HEADER_BYTES} bytes. Put data into the payload.`,
    );
  }
  return Object.freeze(copy);
}

/** Each read once. A Map or a `Headers` has its own where nobody would find them: it would be stored as none. */
function entriesOf(headers: unknown): [string, unknown][] {
  try {
    if (isPlainObject(headers)) return Object.entries(headers);
  } catch (cause) {
    throw new QueueError(
      "INVALID_HEADERS",
      "Headers could not be read: one of their getters threw (see cause). Give an object of strings.",
      { cause },
    );
  }
  throw invalidHeaders(
    `Headers are ${show(headers)}. Give a plain object of strings; of a Map, Object.fromEntries(map).`,
  );
}

function invalidHeaders(message: string): QueueError {
  return new QueueError("INVALID_HEADERS", message);
}
