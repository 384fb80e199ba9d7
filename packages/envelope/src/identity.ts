import { platformLabel } from "#platform";

/**
 * Identity: an event gets its id once, where it is created, and keeps it through every bus,
 * process, retry and redrive. Ids are UUIDv7 (RFC 9562, method 1: a counter after the timestamp):
 *
 *     48 bits ms since the epoch | version | 12 + 8 bits counter | variant | 54 bits of this process
 *
 * They sort by creation within a process. The last 54 bits are random once per process and worker
 * thread, so that an id is a pure function of its time and counter and can be written late.
 */

/** The moment and the number of an event, taken when it is published; its id is made from them. */
export interface EventStamp {
  /** Milliseconds since the epoch; never decreases within a process. */
  readonly time: number;
  /** Number of the event among those of the same millisecond, 0 to 1,048,575. */
  readonly counter: number;
}

const COUNTER_LIMIT = 0xf_ffff;

let lastTime = 0;
let lastCounter = 0;
let tail: { readonly head: number; readonly rest: string } | undefined;
let node: string | undefined;

/** Takes the next stamp: cheaper than an id, for buses that write ids only when somebody reads them. */
export function nextStamp(): EventStamp {
  const now = Date.now();
  if (now > lastTime) {
    lastTime = now;
    lastCounter = 0;
  } else if (lastCounter === COUNTER_LIMIT) {
    lastTime += 1;
    lastCounter = 0;
  } else {
    lastCounter += 1;
  }
  return { time: lastTime, counter: lastCounter };
}

/** Writes the id of a stamp. The same stamp gives the same id, in the process that took it. */
export function eventIdOf(stamp: EventStamp): string {
  tail ??= { head: Number.parseInt(randomHex(1), 16) & 0x3f, rest: randomHex(6) };
  const time = stamp.time.toString(16).padStart(12, "0");
  const high = (stamp.counter >>> 8).toString(16).padStart(3, "0");
  const low = (0x8000 | ((stamp.counter & 0xff) << 6) | tail.head).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low}-${tail.rest}`;
}

/**
 * Makes a new event id: a UUIDv7, greater than every id made before in this process.
 *
 * @example newEventId() // "0198f1c2-7a3b-7000-8004-9f2c51d0a7be"
 */
export function newEventId(): string {
  return eventIdOf(nextStamp());
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
