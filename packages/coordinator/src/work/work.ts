import type { AnyContracts, Contracts, EventLineage, EventName } from "@ringrift/envelope";
import type { Consumer, DeliveryContext, HealthProblem, StoredEvent } from "@ringrift/event-queue";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Counters } from "../carrying/counters.ts";
import { CoordinatorError } from "../errors.ts";
import { checkHandle, type HandleOptions } from "./handle-options.ts";
import { wrongOutcome } from "../carrying/outcome.ts";
import { queueType } from "../carrying/queue-type.ts";
import { type AnyQueue, metadataOf } from "../carrying/wire.ts";

/** An event as a work handler gets it: under its topic, with what its delivery knows. */
export interface WorkEventOf<K extends string, P> extends EventLineage {
  readonly topic: K;
  readonly payload: P;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Place in the queue's log. */
  readonly position: number;
  readonly key?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** 1 on the first delivery. */
  readonly attempt: number;
  /**
   * Whether its effect may have happened before: make it idempotent by `id`. Always there; on a bus the field
   * is left out of what isn't redelivered.
   */
  readonly redelivered: boolean;
}

/** A union over the topics of `T`, told apart by `topic`. */
export type WorkEvent<T extends Contracts = AnyContracts, K extends EventName<T> = EventName<T>> = {
  [Topic in K]: WorkEventOf<Topic, T[Topic]>;
}[K];

/** Does the work of one event. Returning acks it; throwing has it tried again, and at last set aside. */
export type WorkHandler<
  T extends Contracts = AnyContracts,
  K extends EventName<T> = EventName<T>,
> = (event: WorkEvent<T, K>, context: DeliveryContext) => unknown;

export interface WorkOptions {
  readonly queue: AnyQueue;
  readonly catalogue: AnyCatalogue;
  /** This node's name; `undefined` when it has none. */
  readonly node: string | undefined;
  readonly counters: Counters;
  /** Gets errors of the queue. */
  readonly onError: (error: unknown) => void;
}

interface WorkGroup {
  readonly options: HandleOptions;
  /** Queue type → what to do with it. */
  readonly handlers: Map<string, { readonly topic: string; readonly handler: WorkHandler }>;
  consumer: Consumer | undefined;
  /** What ended its consumer for good. */
  failure: Error | undefined;
}

/**
 * The work handlers of a coordinator, by group. Handlers of one group are joined into one consumer, so
 * they are registered before the group starts.
 */
export class Work {
  readonly #options: WorkOptions;
  readonly #groups = new Map<string, WorkGroup>();
  #finished = { handled: 0, deadLettered: 0 };
  #running = false;

  constructor(options: WorkOptions) {
    this.#options = options;
  }

  /** Registers a handler; begins at once when the coordinator runs already. */
  add(topics: readonly string[], options: HandleOptions, handler: WorkHandler): void {
    const { catalogue, node } = this.#options;
    const types = topics.map((topic) => ({ topic, type: queueType(catalogue, topic, "handle") }));
    checkHandle(topics, options, handler);
    if (options.group === node) {
      throw new CoordinatorError(
        "HANDLE_CONFLICT",
        `Group "${options.group}" is this node's own name, under which it reads for its bus. Give the work group another name.`,
      );
    }
    const group = this.#join(options);
    for (const { topic, type } of types) {
      if (group.handlers.has(type)) {
        throw new CoordinatorError(
          "HANDLE_CONFLICT",
          `Group "${options.group}" handles "${topic}" already. An event is worked on once a group: use another group, or one handler that does both.`,
        );
      }
    }
    for (const { topic, type } of types) group.handlers.set(type, { topic, handler });
    this.#groups.set(options.group, group);
    if (this.#running) this.#begin(group);
  }

  /**
   * Makes the groups, so that a policy that doesn't fit is an error here and not in the background.
   *
   * @throws QueueError `GROUP_CONFIG_MISMATCH`, `GROUP_START_UNSTATED`
   */
  async ensure(): Promise<void> {
    for (const { options, handlers } of this.#groups.values()) {
      const { maxAttempts, backoff, leaseMs, expireAfterMs, holdMs, from, policy } = options;
      const stated = { maxAttempts, backoff, leaseMs, expireAfterMs, holdMs, from, policy };
      const eventTypes = Array.from(handlers.keys());
      const group = this.#options.queue.group(options.group, { ...stated, eventTypes });
      await group.ensure({ requireFrom: true });
    }
  }

  start(): void {
    this.#running = true;
    for (const group of this.#groups.values()) this.#begin(group);
  }

  /**
   * Takes no new event and waits for running handlers. Returns how many were left. A second call with a
   * shorter limit cuts the first one short.
   */
  async stop(timeoutMs?: number): Promise<number> {
    this.#running = false;
    const left = await Promise.all(
      Array.from(this.#groups.values(), async (group) => {
        const consumer = group.consumer;
        if (!consumer) return 0;
        const result = await consumer.stop({ timeoutMs });
        if (group.consumer !== consumer) return result.left;
        group.consumer = undefined;
        const { handled, deadLettered } = consumer.stats();
        this.#finished.handled += handled;
        this.#finished.deadLettered += deadLettered;
        return result.left;
      }),
    );
    return left.reduce((sum, count) => sum + count, 0);
  }

  /** Groups that work no more though they should. */
  problems(): HealthProblem[] {
    return Array.from(this.#groups.values(), ({ options, failure }): HealthProblem[] =>
      failure
        ? [
            {
              code: "WORK_STOPPED",
              severity: "error",
              subject: options.group,
              message: `Work group "${options.group}" works no more: ${failure.message}`,
              action: "Do what the message says, and restart this node.",
            },
          ]
        : [],
    ).flat();
  }

  /** Handlers running now. */
  get running(): number {
    return Array.from(
      this.#groups.values(),
      ({ consumer }) => consumer?.stats().inFlight ?? 0,
    ).reduce((sum, count) => sum + count, 0);
  }

  totals(): { handled: number; deadLettered: number } {
    const totals = { ...this.#finished };
    for (const { consumer } of this.#groups.values()) {
      const stats = consumer?.stats();
      totals.handled += stats?.handled ?? 0;
      totals.deadLettered += stats?.deadLettered ?? 0;
    }
    return totals;
  }

  #join(options: HandleOptions): WorkGroup {
    const group = this.#groups.get(options.group);
    if (!group) {
      return { options, handlers: new Map(), consumer: undefined, failure: undefined };
    }
    if (group.consumer) {
      throw new CoordinatorError(
        "HANDLE_CONFLICT",
        `Group "${options.group}" is running already. Register all handlers of a group before start(), or give this one a group of its own.`,
      );
    }
    const changed = (Object.keys(options) as (keyof HandleOptions)[]).find(
      (key) => JSON.stringify(options[key]) !== JSON.stringify(group.options[key]),
    );
    if (changed) {
      throw new CoordinatorError(
        "HANDLE_CONFLICT",
        `Group "${options.group}" was given another "${changed}" before. Handlers of one group share their options; give this one the same or a group of its own.`,
      );
    }
    return group;
  }

  #begin(group: WorkGroup): void {
    if (group.consumer) return;
    const { options, handlers } = group;
    const { queue, catalogue, counters, onError } = this.#options;
    const consume = { ...options, eventTypes: Array.from(handlers.keys()), onError };
    const consumer = queue.consume(consume, (event, context) => {
      const found = handlers.get(event.type);
      // This member's types are exactly the handlers' keys, so this is a broken backend.
      if (!found) throw new CoordinatorError("UNKNOWN_TOPIC", `No handler for "${event.type}".`);
      const wrong = wrongOutcome(catalogue, found.topic, event);
      if (wrong) {
        counters.drop("invalid");
        throw wrong;
      }
      return found.handler(this.#toWorkEvent(found.topic, event), context);
    });
    // The coordinator keeps the process alive, or doesn't.
    group.consumer = consumer.unref();
    group.failure = undefined;
    void consumer.ended.then((failure) => {
      if (group.consumer === consumer) group.failure = failure;
    });
  }

  #toWorkEvent(topic: string, event: StoredEvent): WorkEvent {
    const { id, time, source, origin, correlationId, causationId, via, traceparent } = event;
    const { causes, depth } = event;
    const { payload, position, key, headers, attempt, redelivered } = event;
    return {
      id,
      topic,
      payload,
      metadata: metadataOf(event),
      time,
      source,
      origin,
      correlationId,
      via,
      position,
      headers,
      attempt,
      redelivered,
      ...(causationId !== undefined && { causationId }),
      ...(causes !== undefined && { causes }),
      ...(depth !== undefined && { depth }),
      ...(traceparent !== undefined && { traceparent }),
      ...(key !== undefined && { key }),
    };
  }
}
