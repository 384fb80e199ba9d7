import { quoted } from "@ringrift/envelope";
import { EventEmitter } from "eventemitter3";
import type { EventBus } from "../bus/bus.ts";
import { EventBusError } from "../contract/errors.ts";
import type { BusEvent } from "../contract/event.ts";
import { isPattern } from "../router/grammar.ts";
import type { Subscription } from "../contract/subscription.ts";

type ListenerFn = (...args: unknown[]) => unknown;

/** A listener as it was added; its subscription is the bus's side of it. */
interface Listener {
  readonly fn: ListenerFn;
  readonly context: unknown;
  readonly once: boolean;
  /** Set when it is added. */
  subscription?: Subscription;
}

/** The engine behind `TopicEmitter`, which is its typed face. */
export class BusEmitter extends EventEmitter<string> {
  readonly #bus: EventBus;
  readonly #listeners = new Map<string, Listener[]>();
  #event: BusEvent | undefined;

  constructor(bus: EventBus) {
    super();
    this.#bus = bus;
  }

  /** The bus behind an emitter, if it is one of these. */
  static busOf(emitter: object): EventBus | undefined {
    return #bus in emitter ? emitter.#bus : undefined;
  }

  get event(): BusEvent | undefined {
    return this.#event;
  }

  override eventNames(): string[] {
    return [...this.#listeners.keys()].filter((name) => this.#live(name).length > 0);
  }

  override listeners(name: string): ListenerFn[] {
    return this.#live(name).map((listener) => listener.fn);
  }

  override listenerCount(name: string): number {
    return this.#live(name).length;
  }

  override emit(name: string, ...args: unknown[]): boolean {
    return asTopic(name, () => publishArguments(this.#bus, name, args)) > 0;
  }

  override on(name: string, fn: ListenerFn, context?: unknown): this {
    return this.#add(name, { fn, context: context || this, once: false });
  }

  override once(name: string, fn: ListenerFn, context?: unknown): this {
    return this.#add(name, { fn, context: context || this, once: true });
  }

  // oxlint-disable-next-line eslint/max-params -- the signature is that of eventemitter3
  override removeListener(name: string, fn?: ListenerFn, context?: unknown, once?: boolean): this {
    for (const listener of this.#live(name)) {
      if (
        !fn ||
        (listener.fn === fn &&
          (!once || listener.once) &&
          (!context || listener.context === context))
      ) {
        listener.subscription?.();
      }
    }
    this.#live(name);
    return this;
  }

  override removeAllListeners(name?: string): this {
    const names = name === undefined ? [...this.#listeners.keys()] : [name];
    for (const each of names) this.removeListener(each);
    return this;
  }

  #add(name: string, listener: Listener): this {
    if (typeof listener.fn !== "function") {
      // What eventemitter3 throws, with a code.
      const refusal = new TypeError("The listener must be a function");
      throw Object.assign(refusal, { code: "INVALID_OPTION" });
    }
    listener.subscription = asTopic(name, () =>
      this.#bus.subscribe(name, (event) => this.#call(name, listener, event), {
        once: listener.once,
        name: listener.fn.name || undefined,
      }),
    );
    const others = this.#listeners.get(name);
    if (others) others.push(listener);
    else this.#listeners.set(name, [listener]);
    return this;
  }

  #call(name: string, listener: Listener, event: BusEvent): unknown {
    // The bus has ended the subscription already: nobody sees a listener that was used up.
    if (listener.once) this.#live(name);
    const outer = this.#event;
    this.#event = event;
    try {
      return listener.fn.apply(listener.context, argumentsOf(event));
    } finally {
      this.#event = outer;
    }
  }

  /** The listeners of a name; those whose subscription the bus has ended are forgotten. */
  #live(name: string): readonly Listener[] {
    const listeners = this.#listeners.get(name);
    if (!listeners) return [];
    const live = listeners.filter((listener) => listener.subscription?.active);
    if (live.length === 0) this.#listeners.delete(name);
    else if (live.length < listeners.length) this.#listeners.set(name, live);
    return live;
  }

  static {
    // One function under two names, as in eventemitter3.
    for (const [alias, name] of [
      ["addListener", "on"],
      ["off", "removeListener"],
    ] as const) {
      Object.defineProperty(this.prototype, alias, { value: this.prototype[name] });
    }
  }
}

/** Publishes what an emitter was given: its first argument is the payload. Returns how many handlers were called. */
export function publishArguments(
  bus: EventBus,
  topic: string,
  [payload, ...more]: readonly unknown[],
): number {
  const options = more.length > 0 ? { metadata: { moreArguments: more } } : undefined;
  return bus.publishSync(topic, payload, options);
}

/** The arguments of an event, however it was published: its payload, and what came after it. */
function argumentsOf(event: BusEvent): unknown[] {
  const more: unknown = event.metadata["moreArguments"];
  if (Array.isArray(more)) return [event.payload, ...more];
  return event.payload === undefined ? [] : [event.payload];
}

/** Does something with a name; one that cannot be a topic is refused with what to do about it. */
function asTopic<R>(name: unknown, use: () => R): R {
  if (typeof name !== "string") {
    throw new EventBusError(
      "INVALID_TOPIC",
      `Event ${quoted(name)} is of type "${typeof name}". The events of a bus are topics: give a string.`,
    );
  }
  try {
    return use();
  } catch (cause) {
    const refused = cause instanceof EventBusError && cause.code === "INVALID_TOPIC";
    if (!refused || isPattern(name)) throw cause;
    const topic =
      name
        .split(/[^\w-]+/)
        .filter(Boolean)
        .join(".") || "some.topic";
    throw new EventBusError(
      "INVALID_TOPIC",
      `${cause.message} Rename the event, for example to "${topic}", or leave it on an emitter of its own and carry it over: fromEventEmitter(emitter, bus, { ${JSON.stringify(name)}: "${topic}" }).`,
      { cause },
    );
  }
}
