import { platformLabel } from "#platform";
import { eventClock } from "./clock.ts";
import { highBits, lowBits, mixStamp } from "./secret-bits.ts";

/**
 * Identity: an event gets its id once, where it is created, and keeps it through every bus,
 * process, retry and redrive. The id of a new event is a UUIDv7 (RFC 9562, method 1: a counter after the
 * timestamp):
 *
 *     48 bits ms since the epoch | version | 12 + 8 bits counter | variant | 54 secret bits
 *
 * They sort by creation within a process. The last 54 bits are made of the stamp with a secret of the process
 * (see `mixStamp`): the id is a function of its stamp and can be written late, and nobody who has seen ids of
 * a process can compute another one.
 */

let node: string | undefined;

/**
 * Writes the id of a stamp of {@link eventClock}. The same stamp gives the same id, in the process that
 * took it: buses keep the two numbers, and write the id when it is read.
 */
export function eventIdOf(millis: number, counter: number): string {
  if (millis !== written.millis) written = { millis, text: timeText(millis) };
  mixStamp(millis, counter);
  const high = (counter >>> 8).toString(16).padStart(3, "0");
  const low = 0x80 | ((counter & 0xff) >>> 2);
  const rest = ((counter & 3) << 6) | (highBits & 0x3f);
  return `${written.text}-7${high}-${HEX[low]}${HEX[rest]}-${twoBytes(highBits >>> 16)}${twoBytes(lowBits >>> 16)}${twoBytes(lowBits)}`;
}

/**
 * Writes a derived id: a UUIDv8 with the time of the event it is derived from, and 74 bits of a digest. Of a derived event
 * that is the time in its id: it has another `time` each time when it is published again.
 *
 * @param digest at least 10 bytes
 */
export function derivedEventId(parent: DerivedFrom, digest: Uint8Array): string {
  const [b0 = 0, b1 = 0, b2 = 0, ...rest] = digest;
  const tail = rest.slice(0, 7).map((byte) => HEX[byte]);
  const time = DERIVED.test(parent.id)
    ? parent.id.slice(0, 13)
    : // A bridge may have brought any number.
      timeText(Math.min(Math.trunc(parent.time), 0xffff_ffff_ffff));
  return `${time}-${HEX[0x80 | (b0 & 0xf)]}${HEX[b1]}-${HEX[0x80 | (b2 & 0x3f)]}${tail[0]}-${tail.slice(1).join("")}`;
}

/** What a derived id needs of the event that it is derived from. */
export interface DerivedFrom {
  readonly id: string;
  /** In ms since the epoch. */
  readonly time: number;
}

const DERIVED = /^[0-9a-f]{8}-[0-9a-f]{4}-8/;

/** Whether an id is derived from that of another event, as those of a handler's children are. */
export function isDerivedId(id: string): boolean {
  return id[14] === "8";
}

/** Bytes in hexadecimal. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
);

function twoBytes(bits: number): string {
  return `${HEX[(bits >>> 8) & 0xff]}${HEX[bits & 0xff]}`;
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
  return Array.from(random, (byte) => HEX[byte]).join("");
}
