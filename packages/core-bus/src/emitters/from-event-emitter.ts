import { type AnyContracts, type Contracts, type EventName, quoted } from "@ringrift/envelope";
import type { EventEmitter } from "eventemitter3";
import type { EventBus } from "../bus/bus.ts";
import { BusEmitter, publishArguments } from "./bus-emitter.ts";
import { EventBusError } from "../contract/errors.ts";
import { describe } from "../signals/handler-error.ts";
import { warn } from "../signals/failure-report.ts";
import { checkTopic } from "../router/grammar.ts";

/** What is needed of an emitter: eventemitter3's and Node's have it. */
export interface EmitterLike {
  on(name: string, listener: AnyListener): unknown;
  removeListener(name: string, listener: AnyListener): unknown;
}

// oxlint-disable-next-line typescript/no-explicit-any -- what emitters themselves declare
type AnyListener = (...args: any[]) => void;

/** The events of an emitter and their arguments; anything goes where an emitter isn't typed. */
type EventsOf<M> =
  M extends EventEmitter<infer E>
    ? { [K in EventEmitter.EventNames<E>]: EventEmitter.EventArgs<E, K> }
    : // oxlint-disable-next-line typescript/no-explicit-any -- an untyped emitter gives untyped arguments
      Record<string | symbol, any[]>;

type First<A> = A extends readonly [] ? undefined : A extends readonly unknown[] ? A[0] : never;

/** The topics whose payload the first argument of an event is. */
type TopicsTaking<C extends Contracts, P> = {
  [K in EventName<C>]: P extends C[K] ? K : never;
}[EventName<C>];

/** A topic, and how its payload is made of an event's arguments. */
type Conversion<C extends Contracts, A> = {
  [K in EventName<C>]: {
    readonly topic: K;
    readonly payload: (...args: A extends unknown[] ? A : never) => C[K];
  };
}[EventName<C>];

/** Which events of an emitter are published, and as what. */
export type EmitterMap<C extends Contracts, M> = {
  readonly [K in keyof EventsOf<M>]?:
    | TopicsTaking<C, First<EventsOf<M>[K]>>
    | Conversion<C, EventsOf<M>[K]>;
};

/** A running {@link fromEventEmitter}: call it or dispose of it to end it; twice is fine. */
export interface Forwarding extends Disposable {
  (): void;
  readonly active: boolean;
}

interface AnyConversion {
  readonly topic: string;
  readonly payload?: (...args: unknown[]) => unknown;
}

/**
 * Publishes what an emitter emits, so that existing code publishes without a change. A name's topic
 * gets the event's first argument as payload, further ones as `metadata.moreArguments`; with
 * `{ topic, payload }` the function makes the payload of all of them.
 *
 * Events are published with `publishSync`, within `emit`. Nothing that goes wrong reaches the code
 * that emits: a refused event or a failing `payload` is a process warning with code
 * `RINGRIFT_HANDLER_ERROR`. When the bus is closed, forwarding ends with a last warning. On Node's
 * emitters a map for `error` is a listener like any other: such errors aren't thrown any more.
 *
 * @throws EventBusError `INVALID_TOPIC`, `WRONG_NAME`; `INVALID_OPTION` when the emitter is a
 * `toEventEmitter` of the same bus, whose events are on it already. Then nothing is forwarded.
 * @example using forwarding = fromEventEmitter(server, bus, { placed: "order.placed" });
 */
export function fromEventEmitter<M extends EmitterLike, C extends Contracts = AnyContracts>(
  emitter: M,
  bus: EventBus<C>,
  map: EmitterMap<C, NoInfer<M>>,
): Forwarding {
  // As with the bus itself, names and payloads are typed on the outside only.
  return forward(emitter, bus, map as Record<string, string | AnyConversion>);
}

/** An event's name on the emitter, and what is listened with. */
type Ear = readonly [name: string | symbol, listen: (...args: unknown[]) => void];

function forward(
  emitter: EmitterLike,
  bus: EventBus,
  map: Readonly<Record<string, string | AnyConversion>>,
): Forwarding {
  if (BusEmitter.busOf(emitter) === bus) {
    throw new EventBusError(
      "INVALID_OPTION",
      'The emitter is a "toEventEmitter" of this very bus, so each event would be published again. Its events are on the bus without forwarding; to publish one under another topic, subscribe to it.',
    );
  }
  let active = true;
  const end = (): void => {
    active = false;
    for (const [name, listen] of ears.splice(0)) emitter.removeListener(name as string, listen);
  };
  // Symbols are names, too. All of the map is read before anything is listened to.
  const ears = Reflect.ownKeys(map).map((name): Ear => {
    const publish = publisher(bus, name, map[name as string]);
    const listen = (...args: unknown[]): void => {
      if (!active) return;
      try {
        publish(args);
      } catch (cause) {
        const closed = cause instanceof EventBusError && cause.code === "BUS_CLOSED";
        if (closed) end();
        warn(
          `Event ${quoted(name)} of an emitter was not published${closed ? ", and none will be any more" : ""}: ${describe(cause)}`,
          cause,
        );
      }
    };
    return [name, listen];
  });
  for (const [name, listen] of ears) emitter.on(name as string, listen);
  return Object.defineProperties(end, {
    active: { get: () => active, enumerable: true },
    [Symbol.dispose]: { value: end },
  }) as unknown as Forwarding;
}

/** What publishes an event of this name, given its arguments. */
function publisher(
  bus: EventBus,
  name: string | symbol,
  target: string | AnyConversion | undefined,
): (args: readonly unknown[]) => void {
  const { topic, payload: convert } =
    typeof target === "object" ? target : { topic: target, payload: undefined };
  checkTopic(topic);
  // Reads the name as a subscription would, with the rules of this bus, and subscribes nothing.
  bus.subscriber(topic);
  if (convert !== undefined && typeof convert !== "function") {
    throw new EventBusError(
      "INVALID_OPTION",
      `The payload of ${quoted(name)} is ${quoted(convert)}. Give a function that makes it of the event's arguments.`,
    );
  }
  if (convert) return (args) => void bus.publishSync(topic, convert(...args));
  return (args) => void publishArguments(bus, topic, args);
}
