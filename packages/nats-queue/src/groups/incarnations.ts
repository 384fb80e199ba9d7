import type { Connection } from "../connection/connection.ts";
import { consumerConfig } from "./group-consumer.ts";
import type { Group, Lane } from "./group.ts";
import type { Names } from "../server/names.ts";
import { isNotFound } from "../server/nats-errors.ts";
import type { ConsumerAddress } from "../messages/pull-request.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { StateStore } from "../messages/state-store.ts";

/** What was written of an incarnation after its end is removed two leases later, but not sooner, and once more after an hour. */
const SOONEST_GONE_MS = 5_000;
const GONE_MS = 3_600_000;

/** What incarnations work with. */
export interface IncarnationParts {
  readonly connection: Connection;
  readonly names: Names;
  readonly state: StateStore;
  readonly clock: ServerClock;
}

/** What stands for a group in the server until its cursor is set or it is removed: consumers, and documents of events. */
export class Incarnations {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #state: StateStore;
  readonly #clock: ServerClock;

  constructor({ connection, names, state, clock }: IncarnationParts) {
    this.#connection = connection;
    this.#names = names;
    this.#state = state;
    this.#clock = clock;
  }

  addressOf(group: Group, lane: Lane): ConsumerAddress {
    const stream = lane === "log" ? this.#names.stream : this.#names.deadStream;
    return { stream, consumer: group.incarnation };
  }

  /** Idempotent. */
  async makeConsumer(group: Group, lane: Lane): Promise<void> {
    const { stream } = this.addressOf(group, lane);
    const config = consumerConfig(group, lane, this.#names);
    await this.#connection.persist("making a group", () =>
      this.#connection.jsm.consumers.add(stream, config),
    );
  }

  /** Removes consumers and documents of an incarnation that no group has any more. */
  async drop({ incarnation, policy }: Group): Promise<void> {
    const afterMs = Math.max(2 * policy.leaseMs, SOONEST_GONE_MS);
    await this.#state.put(this.#names.gone(incarnation), String(afterMs));
    for (const stream of [this.#names.stream, this.#names.deadStream]) {
      try {
        await this.#connection.jsm.consumers.delete(stream, incarnation);
      } catch (error) {
        if (!isNotFound(error)) return;
      }
    }
    await this.#purge(incarnation);
  }

  /** Removes what members have written of incarnations after they were dropped, which they may not have known. */
  async forgetGone(): Promise<void> {
    if ((await this.#state.oldest(this.#names.allGone)) === undefined) return;
    const now = this.#clock.now();
    for (const { subject, revision, time, text } of await this.#state.list(this.#names.allGone)) {
      const afterMs = Number(text);
      if (time > now - afterMs) continue;
      await this.#purge(subject.slice(subject.lastIndexOf(".") + 1));
      if (afterMs === GONE_MS) await this.#state.remove(revision);
      else await this.#state.swap(subject, String(GONE_MS), revision);
    }
  }

  async #purge(incarnation: string): Promise<void> {
    await this.#state.purge(this.#names.deliveries(incarnation));
    await this.#state.purge(this.#names.keyLines(incarnation));
    await this.#state.purge(this.#names.keyMarks(incarnation));
  }
}
