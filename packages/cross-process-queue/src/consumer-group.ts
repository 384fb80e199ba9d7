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
  checkSameGroupPolicy,
  completeGroupPolicy,
  createConsumer,
  type GivenGroupPolicy,
  type GroupReceiveRequest,
  handlerEventTypes,
  leaseEvent,
  leaseLost,
  longPoll,
  type StoredGroupPolicy,
  type Taken,
} from "@ringrift/event-queue/backend";
import type { Leased } from "./claiming.ts";
import type { Engine } from "./engine.ts";
import type { Group } from "./groups.ts";
import type { QueueInstance } from "./instance.ts";
import { LookAhead } from "./look-ahead.ts";
import { LOSABLE, MemberLease } from "./member-lease.ts";
import { type Append, runInTransaction, type SqliteTransaction } from "./transactions.ts";

interface MemberRequest extends GroupReceiveRequest {
  /** As {@link LeaseSource} says. */
  readonly ahead: number;
}

/** A member's handle on a group. */
export class SqliteConsumerGroup implements ConsumerGroup {
  readonly name: string;
  readonly #instance: QueueInstance;
  readonly #given: GivenGroupPolicy;
  readonly #view: EventView<Contracts> | undefined;
  readonly #lookAhead = new LookAhead();
  #stored: StoredGroupPolicy;
  /** Something was there the last time: then whatever a look says, it is worth trying. */
  #busy = false;

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

  async ensure(): Promise<EnsuredGroup> {
    return this.#instance.write(({ groups }, tx) => {
      const { group, created } = groups.ensure(tx, this.name, this.#given);
      return { ...groups.info(group, tx.now), created };
    });
  }

  async receive(options?: GroupReceiveOptions): Promise<LeasedEvent[]> {
    return this.#receive({ ...checkGroupReceive(options), ahead: 0 }, true);
  }

  consume(handler: EventHandler | EventHandlers, options: ConsumerOptions = {}): Consumer {
    this.#instance.refuseWhenClosing();
    const eventTypes = handlerEventTypes(handler, this.#given.eventTypes, this.#view);
    const given = { ...this.#given, ...(eventTypes !== undefined && { eventTypes }) };
    const member = new SqliteConsumerGroup(this.name, this.#instance, given, this.#view);
    const consumer = createConsumer(
      {
        group: this.name,
        claimsCommit: true,
        get leaseMs() {
          return member.#stored.leaseMs;
        },
        get maxAttempts() {
          return member.#stored.maxAttempts;
        },
        receive: (request) => member.#receive({ ...request, leaseMs: undefined }, false),
        release: (event) => member.#release([event]),
      },
      handler,
      options,
      this.#instance.middlewares,
    );
    this.#instance.adopt(consumer);
    return consumer;
  }

  /** Consumes with handlers whose effect and ack are one transaction. */
  consumeInTransaction(
    handler: (event: LeasedEvent, transaction: SqliteTransaction) => unknown,
    append: Append,
    options: ConsumerOptions,
  ): Consumer {
    const settle: EventHandler = async (event) => {
      // The cast is safe: it is what the member leased.
      const leased = event as LeasedEvent;
      const lease = MemberLease.of(leased);
      if (lease === undefined) throw leaseLost(leased);
      const run: Parameters<typeof runInTransaction>[2] = (transaction, { leases }, tx) => {
        const result = handler(leased, transaction);
        const ack = leases.ack(tx, lease.handle);
        leases.write(tx);
        // Whoever has it now will do it: nothing of this may stay.
        if (!ack.held) throw leaseLost(leased);
        return result;
      };
      await runInTransaction(this.#instance, append, run, { reserve: true });
      lease.noteSettled();
    };
    // Each effect has a commit of its own: there is nothing to share.
    const { prefetch = 0 } = options;
    return this.consume(settle, { ...options, prefetch });
  }

  async #receive(request: MemberRequest, keepAlive: boolean): Promise<LeasedEvent[]> {
    const { waitMs, signal } = request;
    const take = async (): Promise<Taken<LeasedEvent>> => {
      const taken = await this.#take(request);
      if (signal?.aborted === true) await this.#release(taken.items);
      signal?.throwIfAborted();
      return taken;
    };
    if (waitMs > 0) await this.#instance.listen();
    return longPoll({ bell: this.#instance.bell, take, waitMs, signal, keepAlive });
  }

  /** Reads first, without any lock, what there is to claim; where there is nothing, it takes no lock at all. */
  async #take({ limit, ahead, leaseMs }: MemberRequest): Promise<Taken<LeasedEvent>> {
    const now = Date.now();
    const wasBusy = this.#busy;
    if (!wasBusy || this.#lookAhead.size < limit + ahead) {
      const look = await this.#look(now, limit + ahead);
      if (!wasBusy && typeof look !== "string") {
        return { items: [], retryInMs: look - now };
      }
    }
    const claim = await this.#instance.write(
      ({ groups, claimer }, tx) => {
        const { group, state } = groups.ensure(tx, this.name, this.#given);
        const result = claimer.claim(tx, group, {
          limit,
          ahead,
          leaseMs: leaseMs ?? group.policy.leaseMs,
          state,
          known: this.#lookAhead,
        });
        const due = result.leased.length > 0 ? tx.now : nextDue({ groups, claimer }, group);
        return { ...result, policy: group.policy, due };
      },
      { ...LOSABLE, urgent: !wasBusy },
    );
    this.#stored = claim.policy;
    this.#lookAhead.drop(claim.cursor);
    this.#instance.drop("retention", claim.lost);
    const items = claim.leased.map((leased) => this.#deliver(leased));
    this.#busy = items.length > 0;
    return { items, retryInMs: claim.more ? 0 : claim.due - now };
  }

  /** When there will be something to do, if that is known and lies ahead. */
  #look(now: number, limit: number): Promise<"missing" | "claimable" | number> {
    return this.#instance.read(({ groups, claimer, log }) => {
      const group = groups.find(this.name);
      if (group === undefined) return "missing";
      checkSameGroupPolicy(this.name, group.policy, this.#given);
      this.#stored = group.policy;
      this.#lookAhead.fill(log, group, limit);
      if (this.#lookAhead.size > 0) return "claimable";
      const due = nextDue({ groups, claimer }, group);
      return due <= now ? "claimable" : due;
    });
  }

  #deliver({ event, lease, until }: Leased): LeasedEvent {
    this.#instance.counts.received += 1;
    return leaseEvent(event, until, new MemberLease(this.#instance, lease));
  }

  async #release(events: readonly LeasedEvent[]): Promise<void> {
    const handles = events.flatMap((event) => MemberLease.of(event)?.handle ?? []);
    if (handles.length === 0) return;
    await this.#instance.write(({ leases }, tx) => {
      for (const lease of handles) leases.release(tx, lease);
    }, LOSABLE);
  }
}

/** When there is something to do of which no commit tells: a retry, a lease that ends, to say that it is served. */
function nextDue({ groups, claimer }: Pick<Engine, "groups" | "claimer">, group: Group): number {
  return Math.min(claimer.nextDue(group) ?? Number.POSITIVE_INFINITY, groups.touchDue(group));
}
