import { QueueError, type QueueErrorCode } from "../failures/errors.ts";
import { isPlainObject } from "../checking/plain-object.ts";

/** Largest payload unless a queue is told otherwise, in bytes of JSON. */
export const DEFAULT_PAYLOAD_BYTES = 262_144;
/** Largest payload that any queue can be told to take, in bytes of JSON. */
export const MAX_PAYLOAD_BYTES = 1_048_576;
/** Most arrays and objects inside one another. */
export const DEFAULT_PAYLOAD_DEPTH = 64;

/** What a payload may measure. */
export interface PayloadLimits {
  /** In bytes of UTF-8 JSON, at most 1,048,576. @default 262_144 */
  readonly maxBytes?: number | undefined;
  /** Arrays and objects inside one another. @default 64 */
  readonly maxDepth?: number | undefined;
  /** What messages call it. @default "payload" */
  readonly name?: string | undefined;
}

/**
 * Past this many bytes a walk gives up counting. Without it, a small object whose parts refer to one
 * another would be walked, and written, exponentially often.
 */
const GIVE_UP_BYTES = 4 * MAX_PAYLOAD_BYTES;

interface Problem {
  readonly code: QueueErrorCode;
  readonly what: string;
  readonly todo: string;
  /** Keys from the innermost outwards. */
  readonly path: (string | number)[];
  /** Containers on the way to a value that is too deep: one that is there twice is a cycle. */
  readonly ancestors?: unknown[];
}

interface Walk {
  readonly maxDepth: number;
  /** Lower bound of what the JSON measures. */
  bytes: number;
  /** Where a part is copied to: what is checked is what is written, also where a getter or a proxy answers anew each time. */
  copy: unknown;
}

/**
 * Checks that a payload is a JSON value and writes it; each of its parts is read once. `undefined` becomes `null`; fields that are
 * `undefined`, symbols' fields and named fields of arrays are dropped; `-0` becomes `0`. Everything else comes back from {@link decodePayload} as it
 * was, or is refused: a queue never stores something else than it was given.
 *
 * @throws QueueError `PAYLOAD_NOT_JSON` (a Date, Map, class instance, function, symbol, bigint, NaN,
 * infinite number, lone surrogate, cycle, `undefined` in an array), `PAYLOAD_TOO_DEEP`,
 * `PAYLOAD_TOO_LARGE`, `PAYLOAD_FORBIDDEN_KEY` (`__proto__`); each names the place in the payload
 * @example encodePayload({ loss: 0.01, note: undefined }) // '{"loss":0.01}'
 */
export function encodePayload(payload: unknown, limits: PayloadLimits = {}): string {
  const { maxBytes = DEFAULT_PAYLOAD_BYTES, name = "payload" } = limits;
  const walk: Walk = {
    maxDepth: limits.maxDepth ?? DEFAULT_PAYLOAD_DEPTH,
    bytes: 0,
    copy: undefined,
  };
  const value = payload === undefined ? null : payload;
  let problem: Problem | undefined;
  let text = "";
  try {
    problem = inspect(value, 0, walk);
    if (problem === undefined && walk.bytes <= GIVE_UP_BYTES) text = JSON.stringify(walk.copy);
  } catch (cause) {
    throw new QueueError(
      "PAYLOAD_NOT_JSON",
      `${capitalized(name)} could not be read: one of its getters threw (see cause). Send plain data.`,
      { cause },
    );
  }
  if (problem !== undefined) throw refusal(problem, name);
  if (walk.bytes > GIVE_UP_BYTES) throw tooLarge(name, `more than ${walk.bytes}`, maxBytes);
  const bytes = sizeOf(text, maxBytes);
  if (bytes > maxBytes) throw tooLarge(name, `${bytes}`, maxBytes);
  return text;
}

/**
 * Reads what {@link encodePayload} wrote.
 *
 * @throws QueueError `CORRUPT_EVENT` when it is not JSON, `PAYLOAD_FORBIDDEN_KEY` when somebody else
 * wrote a `__proto__` key into it
 */
export function decodePayload(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new QueueError(
      "CORRUPT_EVENT",
      `Stored payload is not JSON: it begins with ${JSON.stringify(text.slice(0, 60))}. Something other than this library wrote or damaged it.`,
      { cause },
    );
  }
  if (MAY_HOLD_PROTO.test(text) && holdsProto(value)) {
    throw new QueueError(
      "PAYLOAD_FORBIDDEN_KEY",
      'Stored payload has a "__proto__" key. Something other than this library wrote it.',
    );
  }
  return value;
}

/** The plain spelling, or an escape that may hide a part of it. */
const MAY_HOLD_PROTO = /__proto__|\\u005[fF]/;

function holdsProto(root: unknown): boolean {
  const todo = [root];
  for (let value = todo.pop(); value !== undefined; value = todo.pop()) {
    if (typeof value !== "object" || value === null) continue;
    if (Object.hasOwn(value, "__proto__")) return true;
    todo.push(...Object.values(value).filter((part) => typeof part === "object" && part !== null));
  }
  return false;
}

/** Recursion is bounded by `maxDepth`, so that no input can overflow the stack. */
function inspect(value: unknown, depth: number, walk: Walk): Problem | undefined {
  walk.copy = value;
  switch (typeof value) {
    case "string":
      walk.bytes += value.length + 2;
      return value.isWellFormed() ? undefined : LONE_SURROGATE();
    case "number":
      walk.bytes += 1;
      return Number.isFinite(value) ? undefined : notJson(String(value), "Send null or a string.");
    case "boolean":
      walk.bytes += 4;
      return undefined;
    case "object":
      if (value === null) {
        walk.bytes += 4;
        return undefined;
      }
      return inspectContainer(value, depth + 1, walk);
    case "bigint":
      return notJson("a bigint", "Send String(value), or a number when it is small enough.");
    case "undefined":
      return notJson("undefined in an array", "Send null in its place, or leave it out.");
    case "function":
    case "symbol":
    default:
      return notJson(`a ${typeof value}`, "Queues carry JSON values only; leave it out.");
  }
}

function inspectContainer(value: object, depth: number, walk: Walk): Problem | undefined {
  if (depth > walk.maxDepth) {
    return {
      code: "PAYLOAD_TOO_DEEP",
      what: `more than ${walk.maxDepth} levels`,
      todo: "Flatten it.",
      path: [],
      ancestors: [value],
    };
  }
  walk.bytes += 2;
  const problem = Array.isArray(value)
    ? inspectArray(value, depth, walk)
    : inspectObject(value, depth, walk);
  problem?.ancestors?.push(value);
  return problem;
}

function inspectArray(value: readonly unknown[], depth: number, walk: Walk): Problem | undefined {
  if (hasToJson(value)) return TO_JSON();
  const copy: unknown[] = [];
  for (let index = 0; index < value.length && walk.bytes <= GIVE_UP_BYTES; index += 1) {
    const problem = inspect(value[index], depth, walk);
    if (problem !== undefined) {
      problem.path.push(index);
      return problem;
    }
    copy.push(walk.copy);
    walk.bytes += 1;
  }
  walk.copy = copy;
  return undefined;
}

function inspectObject(value: object, depth: number, walk: Walk): Problem | undefined {
  if (!isPlainObject(value)) return instance(value);
  if (hasToJson(value)) return TO_JSON();
  // One read of each field. Whatever it is afterwards, the copy has neither getters nor traps.
  const copy: Record<string, unknown> = { ...value };
  // A trap may have told the check above otherwise.
  if (hasToJson(copy)) return TO_JSON();
  for (const key of Object.keys(copy)) {
    if (walk.bytes > GIVE_UP_BYTES) return undefined;
    const part = copy[key];
    if (part === undefined) continue;
    const problem = inspectKey(key) ?? inspect(part, depth, walk);
    if (problem !== undefined) {
      problem.path.push(key);
      return problem;
    }
    if (walk.copy !== part) copy[key] = walk.copy;
    walk.bytes += key.length + 4;
  }
  walk.copy = copy;
  return undefined;
}

/** `JSON.stringify` would write what it returns, which nobody has checked. */
function hasToJson(value: object): boolean {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function inspectKey(key: string): Problem | undefined {
  if (key === "__proto__") {
    return {
      code: "PAYLOAD_FORBIDDEN_KEY",
      what: 'a "__proto__" key',
      todo: "Rename it: a careless copy of it would change the prototype of other objects.",
      path: [],
    };
  }
  return key.isWellFormed() ? undefined : LONE_SURROGATE();
}

const LONE_SURROGATE = (): Problem =>
  notJson("a string with a lone surrogate", "Send text.toWellFormed(), or bytes as base64.");

const TO_JSON = (): Problem => notJson("a value with a toJSON method", "Send what toJSON returns.");

const INSTEAD: Readonly<Record<string, string>> = {
  Date: "Send date.toISOString() or date.getTime().",
  Map: "Send Object.fromEntries(map) or [...map].",
  Set: "Send [...set].",
  Promise: "Await it first.",
  Error: "Send its name and message.",
  Buffer: "Send buffer.toString('base64').",
};

function instance(value: object): Problem {
  const { constructor } = value;
  const name = typeof constructor === "function" && constructor.name ? constructor.name : "class";
  const todo = value instanceof Error ? INSTEAD["Error"] : INSTEAD[name];
  return notJson(
    `an instance of ${name}`,
    todo ?? "Send a plain object of the fields that matter, e.g. { ...value }.",
  );
}

function notJson(what: string, todo: string): Problem {
  return { code: "PAYLOAD_NOT_JSON", what, todo, path: [] };
}

function refusal(problem: Problem, name: string): QueueError {
  const at = pathOf(name, problem.path);
  const { ancestors } = problem;
  if (ancestors !== undefined && new Set(ancestors).size < ancestors.length) {
    return new QueueError(
      "PAYLOAD_NOT_JSON",
      `${capitalized(name)} refers to itself: "${at}" never ends. Send ids in place of references.`,
    );
  }
  return new QueueError(
    problem.code,
    `${capitalized(name)} has ${problem.what} at "${at}". ${problem.todo}`,
  );
}

function tooLarge(name: string, bytes: string, maxBytes: number): QueueError {
  return new QueueError(
    "PAYLOAD_TOO_LARGE",
    `${capitalized(name)} is ${bytes} bytes of JSON; the limit is ${maxBytes} bytes. Store the data elsewhere and send where it is, or raise maxPayloadBytes (at most ${MAX_PAYLOAD_BYTES}).`,
  );
}

/** A UTF-16 unit is at most three bytes: short texts need no counting. */
function sizeOf(text: string, maxBytes: number): number {
  return text.length * 3 <= maxBytes ? text.length : Buffer.byteLength(text);
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function pathOf(name: string, inwards: readonly (string | number)[]): string {
  const steps = inwards
    .toReversed()
    .map((step) =>
      typeof step === "number"
        ? `[${step}]`
        : IDENTIFIER.test(step)
          ? `.${step}`
          : `[${JSON.stringify(step.slice(0, 60))}]`,
    );
  const path = `${name}${steps.join("")}`;
  return path.length <= 160 ? path : `${path.slice(0, 80)}…${path.slice(-79)}`;
}
