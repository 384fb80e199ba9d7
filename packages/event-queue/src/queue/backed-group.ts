import type { Contracts, EventView } from "@ringrift/envelope";
import { createConsumer } from "../consuming/consumer-loop.ts";
import type {
  Consumer,
  ConsumerOptions,
  EventHandler,
  EventHandlers,
} from "../contract/consumer.ts";
import type { ConsumerGroup, GroupReceiveOptions } from "../contract/event-queue.ts";
import type { LeasedEvent } from "../contract/events.ts";
import { handlerEventTypes } from "../consuming/group-handlers.ts";
import {
  completeGroupPolicy,
  type GivenGroupPolicy,
  type StoredGroupPolicy,
} from "../checking/group-policy.ts";
import type { EnsuredGroup, EnsureOptions } from "../contract/groups.ts";
import type { LeaseSource } from "../leasing/lease-source.ts";
import { leaseEvent } from "../leasing/leased-record.ts";
import { longPoll, type Taken } from "../reading/long-poll.ts";
import { checkEnsure, checkGroupReceive, checkHandlerIsLast } from "../reading/requests.ts";
import { GuardedLease } from "../backend/guarded-lease.ts";
import type {
  ClaimedEvent,
  GroupMember,
  MemberRequest,
  QueueBackend,
} from "../backend/queue-backend.ts";
import type { QueueInstance } from "../backend/queue-instance.ts";

/** What a handle on a group is made with. */
export interface BackedGroupParts {
  readonly name: string;
  readonly instance: QueueInstance;
  readonly given: GivenGroupPolicy;
  readonly view: EventView<Contracts> | undefined;
  /** See `MemberOptions`. @default false */
  readonly stays?: boolean;
}

/** A member's handle on a group. */
export class BackedGroup implements ConsumerGroup {
  readonly name: string;
  readonly #parts: BackedGroupParts;
  readonly #instance: QueueInstance;
  #member: GroupMember | undefined;

  constructor(parts: BackedGroupParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#instance = parts.instance;
  }

  async ensure(options?: EnsureOptions): Promise<EnsuredGroup> {
    const request = checkEnsure(options);
    return this.#instance.use((backend) => this.#memberOf(backend).ensure(request));
  }

  async receive(options?: GroupReceiveOptions): Promise<LeasedEvent[]> {
    return this.#receive({ ...checkGroupReceive(options), ahead: 0 }, true);
  }

  consume(alone: string): Consumer;
  consume(options: ConsumerOptions, handler: EventHandler | EventHandlers): Consumer;
  consume(
    first: ConsumerOptions | string,
    handler?: EventHandler | EventHandlers,
    ...surplus: never[]
  ): Consumer {
    checkHandlerIsLast("group.consume", first, surplus);
    const options = first as ConsumerOptions;
    this.#instance.refuseWhenClosing();
    const { given, view } = this.#parts;
    const eventTypes = handlerEventTypes(handler, given.eventTypes, view);
    // A member of its own: the types of its handlers may be others than those of this handle.
    const member = new BackedGroup({
      ...this.#parts,
      given: {
        ...given,
        ...(eventTypes !== undefined && { eventTypes }),
        ...(options?.handlerTimeoutMs !== undefined && {
          handlerTimeoutMs: options.handlerTimeoutMs,
        }),
      },
      stays: true,
    });
    const { middlewares } = this.#instance;
    const work = { handlers: handler!, middlewares };
    const consumer = createConsumer(member.#source(), work, options);
    this.#instance.adopt(consumer, () => member.#leave());
    return consumer;
  }

  #source(): LeaseSource {
    const stored = (): StoredGroupPolicy => this.#stored;
    const instance = this.#instance;
    return {
      group: this.name,
      claimsCommit: instance.kind.claimsCommit,
      get childIds() {
        return instance.childIds;
      },
      get leaseMs() {
        return stored().leaseMs;
      },
      get maxAttempts() {
        return stored().maxAttempts;
      },
      get handlerTimeoutMs() {
        return stored().handlerTimeoutMs ?? undefined;
      },
      receive: (request) => this.#receive({ ...request, leaseMs: undefined }, false),
      release: async (event) => {
        await GuardedLease.of(event)?.release();
      },
    };
  }

  #memberOf(backend: QueueBackend): GroupMember {
    const { given, stays = false } = this.#parts;
    this.#member ??= backend.member({ name: this.name, given, stays });
    return this.#member;
  }

  async #leave(): Promise<void> {
    const member = this.#member;
    if (member !== undefined) await this.#instance.use(() => member.leave(), { keepAlive: false });
  }

  #receive(request: MemberRequest, keepAlive: boolean): Promise<LeasedEvent[]> {
    const { waitMs, signal } = request;
    const take = async (leftMs: number): Promise<Taken<LeasedEvent>> => {
      const { items, retryInMs } = await this.#instance.use(
        (backend) => this.#memberOf(backend).claim({ ...request, waitMs: leftMs }),
        { keepAlive },
      );
      const leased = items.map((claimed) => this.#deliver(claimed, request.leaseMs));
      if (signal?.aborted === true) {
        for (const event of leased) await GuardedLease.of(event)?.release();
        signal.throwIfAborted();
      }
      return { items: leased, retryInMs };
    };
    return longPoll({ bell: this.#instance.bell, take, waitMs, signal, keepAlive });
  }

  #deliver({ event, lease, until }: ClaimedEvent, leaseMs = this.#stored.leaseMs): LeasedEvent {
    this.#instance.counts.received += 1;
    return leaseEvent(event, until, new GuardedLease(this.#instance, lease, leaseMs));
  }

  get #stored(): StoredGroupPolicy {
    return this.#member?.policy ?? completeGroupPolicy(this.#parts.given);
  }
}
