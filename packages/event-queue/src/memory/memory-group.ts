import type { Contracts, EventView } from "@ringrift/envelope";
import { createConsumer } from "../consumer-loop.ts";
import type { Consumer, ConsumerOptions, EventHandler, EventHandlers } from "../consumer.ts";
import type { ConsumerGroup, GroupReceiveOptions } from "../contract.ts";
import type { LeasedEvent } from "../events.ts";
import { handlerEventTypes } from "../group-handlers.ts";
import {
  checkSameGroupPolicy,
  completeGroupPolicy,
  type GivenGroupPolicy,
} from "../group-policy.ts";
import type { EnsuredGroup } from "../groups.ts";
import { leaseEvent } from "../leased-record.ts";
import { longPoll } from "../long-poll.ts";
import { checkGroupReceive, type GroupReceiveRequest } from "../requests.ts";
import type { LeasedEntry } from "./group-entry.ts";
import type { GroupState } from "./group-state.ts";
import { groupInfo } from "./memory-groups.ts";
import type { MemoryInstance } from "./memory-instance.ts";
import { toStoredEvent } from "./log-record.ts";

/** A member's handle on a group. */
export class MemoryGroup implements ConsumerGroup {
  readonly name: string;
  readonly #instance: MemoryInstance;
  readonly #policy: GivenGroupPolicy;
  readonly #view: EventView<Contracts> | undefined;
  /** What the consumer loop gives back by the event it got. */
  readonly #held = new WeakMap<LeasedEvent, { group: GroupState; entry: LeasedEntry }>();

  constructor(
    name: string,
    instance: MemoryInstance,
    policy: GivenGroupPolicy,
    view: EventView<Contracts> | undefined,
  ) {
    this.name = name;
    this.#instance = instance;
    this.#policy = policy;
    this.#view = view;
  }

  async ensure(): Promise<EnsuredGroup> {
    const log = this.#instance.use();
    const created = !log.groups.has(this.name);
    const group = this.#open();
    group.lastServedAt = log.now();
    return { ...groupInfo(log, group), created };
  }

  async receive(options?: GroupReceiveOptions): Promise<LeasedEvent[]> {
    return this.#receive(checkGroupReceive(options), true);
  }

  consume(handler: EventHandler | EventHandlers, options: ConsumerOptions = {}): Consumer {
    this.#instance.refuseWhenClosing();
    const eventTypes = handlerEventTypes(handler, this.#policy.eventTypes, this.#view);
    const policy = { ...this.#policy, ...(eventTypes !== undefined && { eventTypes }) };
    const member = new MemoryGroup(this.name, this.#instance, policy, this.#view);
    const stored = () =>
      this.#instance.log.groups.get(this.name)?.policy ?? completeGroupPolicy(policy);
    const consumer = createConsumer(
      {
        group: this.name,
        claimsCommit: false,
        get leaseMs() {
          return stored().leaseMs;
        },
        get maxAttempts() {
          return stored().maxAttempts;
        },
        receive: (request) => member.#receive({ ...request, leaseMs: undefined }, false),
        release: async (event) => member.#release(event),
      },
      handler,
      options,
      this.#instance.middlewares,
    );
    this.#instance.adopt(consumer);
    return consumer;
  }

  #receive(request: GroupReceiveRequest, keepAlive: boolean): Promise<LeasedEvent[]> {
    const { limit, waitMs, leaseMs, signal } = request;
    const take = async () => {
      const log = this.#instance.use();
      const group = this.#open();
      const now = log.now();
      const items = group
        .claim(limit, leaseMs ?? group.policy.leaseMs, now)
        .map((entry) => this.#deliver(group, entry));
      return { items, retryInMs: group.nextDueIn(now) };
    };
    return longPoll({ bell: this.#instance.bell, take, waitMs, signal, keepAlive });
  }

  /** The group as stored, made now if need be. */
  #open(): GroupState {
    const { log } = this.#instance;
    const group = log.groups.get(this.name);
    if (group === undefined) {
      const { from = "beginning" } = this.#policy;
      return log.createGroup(this.name, completeGroupPolicy(this.#policy), from);
    }
    checkSameGroupPolicy(this.name, group.policy, this.#policy);
    return group;
  }

  #deliver(group: GroupState, entry: LeasedEntry): LeasedEvent {
    const instance = this.#instance;
    instance.counts.received += 1;
    const settle = (done: boolean): boolean => {
      // Somebody may wait for the event itself, or for the next one of its key.
      if (done) instance.log.ring();
      return done;
    };
    const event = toStoredEvent(entry.record, entry.attempt, entry.redelivered);
    const leased = leaseEvent(event, entry.until, {
      ack: async () => settle(group.ack(entry, instance.use().now())),
      nack: async (options) => settle(group.nack(entry, options, instance.use().now())),
      extend: async (ms) => group.extend(entry, ms, instance.use().now()),
    });
    this.#held.set(leased, { group, entry });
    return leased;
  }

  async #release(event: LeasedEvent): Promise<void> {
    const held = this.#held.get(event);
    this.#instance.use();
    if (held?.group.release(held.entry) === true) this.#instance.log.ring();
  }
}
