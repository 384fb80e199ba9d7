import { AsyncLocalStorage } from "node:async_hooks";

/**
 * The least possible loop with the bus's duties, as the limit of what the bus can reach on an engine:
 * a lookup by name to a flat list, an envelope a publish (id made when it is read, clock read once a turn),
 * lineage set and restored, each handler in try/catch, its result checked for a `then`, a history ring.
 * It validates nothing, counts nothing, and nothing can be subscribed or ended while it delivers.
 */
type Handler = (event: LimitEvent) => unknown;

let sequence = 0;
let turn: Turn | undefined;
/** Lineage of the synchronous part. */
let current: LimitEvent | undefined;
const context = new AsyncLocalStorage<LimitEvent>();

/** The clock, read once a turn. Events refer to it: a number of this size would be an object of its own. */
interface Turn {
  readonly time: number;
}

function beginTurn(): Turn {
  setImmediate(() => {
    turn = undefined;
  }).unref();
  return (turn = { time: Date.now() });
}

class LimitEvent {
  readonly topic: string;
  readonly payload: unknown;
  readonly cause: LimitEvent | undefined;
  readonly #turn: Turn;
  readonly #sequence: number;

  constructor(topic: string, payload: unknown, cause: LimitEvent | undefined) {
    this.topic = topic;
    this.payload = payload;
    this.#turn = turn ?? beginTurn();
    this.cause = cause;
    this.#sequence = sequence += 1;
  }

  get time(): number {
    return this.#turn.time;
  }

  get id(): string {
    return `${this.time}-${this.#sequence}`;
  }
}

export interface LimitOptions {
  /** Events kept. @default 0 */
  readonly history?: number;
}

export class LimitBus {
  readonly #routes: Record<string, Handler[] | undefined> = Object.create(null);
  readonly #capacity: number;
  readonly #ring: LimitEvent[] = [];
  #place = 0;
  readonly failures: unknown[] = [];

  constructor({ history = 0 }: LimitOptions = {}) {
    this.#capacity = history;
  }

  subscribe(topic: string, handler: Handler): void {
    this.#routes[topic] = [...(this.#routes[topic] ?? []), handler];
  }

  publishSync(topic: string, payload: unknown): number {
    const route = this.#routes[topic];
    const outer = current;
    const event = new LimitEvent(topic, payload, outer);
    if (this.#capacity > 0) this.#keep(event);
    if (route === undefined) return 0;
    current = event;
    let index = 0;
    for (;;) {
      // One try for the whole list; the handler that throws is left out when it goes on.
      try {
        while (index < route.length) {
          const result = route[index]!(event);
          index += 1;
          if (result !== undefined && isThenable(result)) this.#track(result);
        }
        break;
      } catch (cause) {
        index += 1;
        this.failures.push(cause);
      }
    }
    current = outer;
    return route.length;
  }

  /** All handlers start at once; the context is entered once for all of them. */
  publish(topic: string, payload: unknown): Promise<{ event: LimitEvent; delivered: number }> {
    const route = this.#routes[topic] ?? [];
    const event = new LimitEvent(topic, payload, current ?? context.getStore());
    if (this.#capacity > 0) this.#keep(event);
    return context.run(event, deliver, event, route, this.failures);
  }

  #track(result: Thenable): void {
    result.then(undefined, (cause) => this.failures.push(cause));
  }

  #keep(event: LimitEvent): void {
    this.#ring[this.#place] = event;
    this.#place = this.#place + 1 === this.#capacity ? 0 : this.#place + 1;
  }
}

interface Thenable {
  then(done: (() => void) | undefined, failed: (cause: unknown) => void): unknown;
}

function isThenable(value: unknown): value is Thenable {
  return typeof (value as Partial<Thenable> | null | undefined)?.then === "function";
}

function deliver(
  event: LimitEvent,
  route: readonly Handler[],
  failures: unknown[],
): Promise<{ event: LimitEvent; delivered: number }> {
  let resolve: ((delivery: { event: LimitEvent; delivered: number }) => void) | undefined;
  let waiting = 0;
  let delivered = 0;
  const done = (): void => {
    delivered += 1;
    waiting -= 1;
    if (waiting === 0) resolve?.({ event, delivered });
  };
  const failed = (cause: unknown): void => {
    failures.push(cause);
    waiting -= 1;
    if (waiting === 0) resolve?.({ event, delivered });
  };
  for (let index = 0; index < route.length; index += 1) {
    try {
      const result = route[index]!(event);
      if (isThenable(result)) {
        waiting += 1;
        result.then(done, failed);
      } else {
        delivered += 1;
      }
    } catch (cause) {
      failures.push(cause);
    }
  }
  if (waiting === 0) return Promise.resolve({ event, delivered });
  return new Promise((settle) => {
    resolve = settle;
  });
}
