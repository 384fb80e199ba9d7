import { platformLabel } from "#platform";
import { eventClock } from "./clock.ts";

/**
 * Identity: an event gets its id once, where it is created, and keeps it through every bus,
 * process, retry and redrive. Ids are UUIDv7 (RFC 9562, method 1: a counter after the timestamp):
 *
 *     48 bits ms since the epoch | version | 12 + 8 bits counter | variant | 54 bits of this process
 *
 * They sort by creation within a process. The last 54 bits are random once per process and worker
 * thread, so that an id is a pure function of its time and counter and can be written late.
 */

let tail: { readonly head: number; readonly rest: string } | undefined;
let node: string | undefined;

/**
 * Writes the id of a stamp of {@link eventClock}. The same stamp gives the same id, in the process that
 * took it: buses keep the two numbers, and write the id when it is read.
 */
export function eventIdOf(millis: number, counter: number): string {
  tail ??= { head: Number.parseInt(randomHex(1), 16) & 0x3f, rest: randomHex(6) };
  if (millis !== written.millis) written = { millis, text: timeText(millis) };
  const high = (counter >>> 8).toString(16).padStart(3, "0");
  const low = (0x8000 | ((counter & 0xff) << 6) | tail.head).toString(16);
  return `${written.text}-7${high}-${low}-${tail.rest}`;
}

/** Writing such a number in hexadecimal costs more than the rest of an id, and many ids share it. */
let written = { millis: 0, text: timeText(0) };

function timeText(millis: number): string {
  const text = millis.toString(16).padStart(12, "0");
  return `${text.slice(0, 8)}-${text.slice(8)}`;
}

/**
 * Makes a new event id: a UUIDv7, greater than every id made before in this process.
 *
 * @example newEventId() // "0198f1c2-7a3b-7000-8004-9f2c51d0a7be"
 */
export function newEventId(): string {
  eventClock.tick();
  return eventIdOf(eventClock.time, eventClock.counter);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether a value is an event id: a UUID in lower case. */
export function isEventId(value: unknown): value is string {
  return typeof value === "string" && UUID.test(value);
}

/**
 * The id of this node: unique per process *and worker thread*, new at each start. It says who
 * created an event (`origin`), and reads `<pid>.<thread>-<random>`.
 */
export function nodeId(): string {
  node ??= `${platformLabel()}-${randomHex(6)}`;
  return node;
}

/** Makes the id of a bus or queue instance, for `via`: the node's id and a name, new at each call. */
export function newInstanceId(kind: string): string {
  instances += 1;
  return `${nodeId()}/${kind}-${instances}`;
}
let instances = 0;

function randomHex(bytes: number): string {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
