import {
  type DeadLetter,
  type EventQueue,
  type GroupInfo,
  type LeasedEvent,
  PermanentError,
} from "@ringrift/event-queue";
import type { Deed, GroupName, TypeName } from "./steps.ts";

/** As far as any script goes, nothing is too old, and no group unserved for too long. */
export const MODEL_OPTIONS = { retentionMs: 8_640_000_000 } as const;

/** Does deeds with a queue, and has what it leased. What it answers is what can be compared. */
export class Actor {
  readonly queue: EventQueue;
  readonly #leased: LeasedEvent[] = [];

  constructor(queue: EventQueue) {
    this.queue = queue;
  }

  async take(deed: Deed): Promise<unknown> {
    const { queue } = this;
    if (deed.do === "send") return this.#send(deed);
    if (deed.do === "remove") return queue.groups.remove(deed.group);
    if (deed.do === "discard") return queue.deadLetters.discard({ limit: deed.limit });
    // Where an event comes among the later ones of its key when it is redriven is left open.
    if (deed.do === "redrive") return queue.deadLetters.redrive({ type: "A", limit: deed.limit });
    if (deed.do === "seek") {
      await this.#group(deed.group).ensure();
      return (await queue.groups.seek(deed.group, deed)).cursor;
    }
    if (deed.do === "receive") return this.#receive(deed.group, deed.types);
    if (deed.do === "ack-all") return Promise.all(this.#leased.map((event) => event.ack()));
    const event = this.#leased[deed.nth];
    if (deed.do === "ack") return event?.ack();
    if (deed.do === "extend") return event?.extend(deed.ms);
    if (deed.do === "nack") return event?.nack({ delayMs: deed.delayMs, reason: "no" });
    return event?.nack({ reason: new PermanentError("never") });
  }

  /** Everything that is left, but what only a clock or a moment could tell. */
  async state(): Promise<unknown> {
    const { queue } = this;
    const groups = await queue.groups.list();
    const letters = await queue.deadLetters.list();
    const log = await queue.history();
    return {
      log: log.map(({ position, type, key }) => [position, type, key ?? null]),
      delayed: (await queue.stats()).delayed,
      groups: groups.map(countsOf),
      letters: letters.map(factsOf),
    };
  }

  async #send({ type, dedupeKey, delayMs }: Deed & { do: "send" }): Promise<unknown> {
    const key = type === "K" ? "k" : undefined;
    const event = await this.queue.send(type, {}, { key, dedupeKey, delayMs });
    return [event.position, event.duplicate === true];
  }

  /** All there is. */
  async #receive(name: GroupName, types?: readonly TypeName[]): Promise<unknown> {
    const all: LeasedEvent[] = [];
    for (;;) {
      const events = await this.#group(name, types).receive();
      if (events.length === 0) break;
      all.push(...events);
    }
    all.sort((one, other) => one.position - other.position);
    this.#leased.push(...all);
    return all.map((event) => [event.position, event.attempt, event.redelivered]);
  }

  #group(
    group: GroupName,
    types: readonly TypeName[] = ["A", "K"],
  ): ReturnType<EventQueue["group"]> {
    const eventTypes = group === "some" ? types : undefined;
    return this.queue.group(group, { eventTypes, maxAttempts: 2 });
  }
}

/** Over events that a group doesn't read, its cursor moves when there is something else to write. */
function countsOf(group: GroupInfo): unknown {
  const { name, eventTypes = null, cursor, pending, inFlight, retrying, deadLetters } = group;
  const exact = eventTypes === null ? cursor : "later";
  return { name, eventTypes, cursor: exact, pending, inFlight, retrying, deadLetters };
}

function factsOf({ group, position, attempts, error, history }: DeadLetter): unknown {
  const isExpiry = error.code === "LEASE_EXPIRED";
  return {
    group,
    position,
    attempts,
    error: isExpiry ? error.code : error.message,
    failures: history.map(({ attempt }) => attempt),
  };
}
