import type { Contracts, EventView } from "@ringrift/envelope";
import type {
  Consumer,
  ConsumerGroup,
  ConsumerOptions,
  EnsuredGroup,
  EventHandler,
  EventHandlers,
  GroupReceiveOptions,
  LeasedEvent,
} from "@ringrift/event-queue";
import {
  checkGroupReceive,
  completeGroupPolicy,
  createConsumer,
  type GivenGroupPolicy,
  type GroupReceiveRequest,
  handlerEventTypes,
  type StoredGroupPolicy,
} from "@ringrift/event-queue/backend";
import { groupInfo } from "./group-info.ts";
import type { QueueInstance } from "./instance.ts";
import type { Lease } from "./lease.ts";
import { Member } from "./member.ts";

/** A member's handle on a group. */
export class NatsConsumerGroup implements ConsumerGroup {
  readonly name: string;
  readonly #instance: QueueInstance;
  readonly #given: GivenGroupPolicy;
  readonly #view: EventView<Contracts> | undefined;
  /** What the consumer loop gives back by the event it got. */
  readonly #leases = new WeakMap<LeasedEvent, Lease>();
  /** Events are given back in the order in which the loop does so, or others would get them in another one. */
  #releasing: Promise<unknown> = Promise.resolve();
  #member: Member | undefined;
  #stored: StoredGroupPolicy;

  constructor(
    name: string,
    instance: QueueInstance,
    given: GivenGroupPolicy,
    view: EventView<Contracts> | undefined,
  ) {
    this.name = name;
    this.#instance = instance;
    this.#given = given;
    this.#view = view;
    this.#stored = completeGroupPolicy(given);
  }

  ensure(): Promise<EnsuredGroup> {
    return this.#instance.use(async (engine) => {
      await engine.sweeper.expireGroups(this.name);
      const { group, created } = await engine.groups.ensure(this.name, this.#given);
      engine.group.touch(group);
      return { ...(await groupInfo(engine, group)), created };
    });
  }

  async receive(options?: GroupReceiveOptions): Promise<LeasedEvent[]> {
    return this.#receive(checkGroupReceive(options), true);
  }

  consume(handler: EventHandler | EventHandlers, options: ConsumerOptions = {}): Consumer {
    this.#instance.refuseWhenClosing();
    const eventTypes = handlerEventTypes(handler, this.#given.eventTypes, this.#view);
    const given = { ...this.#given, ...(eventTypes !== undefined && { eventTypes }) };
    const member = new NatsConsumerGroup(this.name, this.#instance, given, this.#view);
    const consumer = createConsumer(
      {
        group: this.name,
        claimsCommit: false,
        get leaseMs() {
          return member.#stored.leaseMs;
        },
        get maxAttempts() {
          return member.#stored.maxAttempts;
        },
        receive: (request) => member.#receive({ ...request, leaseMs: undefined }, false),
        release: (event) => member.#release(event),
      },
      handler,
      options,
      this.#instance.middlewares,
    );
    this.#instance.adopt(consumer);
    return consumer;
  }

  #receive(request: GroupReceiveRequest, keepAlive: boolean): Promise<LeasedEvent[]> {
    return this.#instance.use(
      async (engine) => {
        this.#member ??= new Member(engine.group, this.name, this.#given, this.#instance.groupBell);
        const claimed = await this.#member.receive(request);
        this.#stored = this.#member.policy ?? this.#stored;
        this.#instance.counts.received += claimed.length;
        return claimed.map(({ event, lease }) => {
          this.#leases.set(event, lease);
          return event;
        });
      },
      { keepAlive },
    );
  }

  async #release(event: LeasedEvent): Promise<void> {
    const lease = this.#leases.get(event);
    const mine = this.#releasing.then(() => this.#instance.use(async () => lease?.release()));
    this.#releasing = mine.catch(() => {});
    await mine;
  }
}
