import { ACK } from "../messages/acknowledge.ts";
import { Claimer } from "../claiming/claimer.ts";
import type { Leasing } from "../leasing/delivered.ts";
import { countMessages } from "../messages/cursor.ts";
import type { FoundRecord } from "../groups/delivery-records.ts";
import type { GroupEngine } from "../settling/group-engine.ts";
import { consumerInfo } from "../groups/group-consumer.ts";
import type { Group } from "../groups/group.ts";
import { DeliveryHold } from "../leasing/hold.ts";
import { pullNow } from "../messages/pull-request.ts";
import { deliveryOf, rawMessage, UNKNOWN_LINK } from "../messages/raw-message.ts";

/** Events that are passed over at once. */
const PORTION = 500;
/** In one go: what is left is skipped the next time. */
const MOST_PORTIONS = 100;

/**
 * Makes groups pass over what is older than their policy allows. An event that no member has is taken as a member
 * would take it, and settled instead of handled, so that keys stay in order and no lease is touched. What a member
 * had that is gone comes to the next one who asks, and is skipped then.
 */
export class Skipper {
  readonly #engine: GroupEngine;

  constructor(engine: GroupEngine) {
    this.#engine = engine;
  }

  /** Every group that has a bound. */
  async skipAll(): Promise<void> {
    for (const group of await this.#engine.groups.all()) await this.skip(group);
  }

  /** Skips what one group may skip now, and counts it. */
  async skip(group: Group): Promise<void> {
    const { skipAfterMs } = group.policy;
    if (skipAfterMs === null) return;
    const bound = await this.#engine.positionBefore(this.#engine.clock.now() - skipAfterMs);
    if (bound === 0) return;
    // Of its own: nothing of what members have, or wait for.
    const claimer = new Claimer(this.#engine);
    let count = 0;
    try {
      count += await this.#skipWaiting(group, bound);
      count += await this.#skipKeys(group, bound, claimer);
      for (let portions = 0; portions < MOST_PORTIONS; portions += 1) {
        const skipped = await this.#skipUnseen(group, bound, claimer);
        count += skipped;
        if (skipped === 0) break;
      }
    } finally {
      await this.#engine.skips.add(group, count);
    }
  }

  /** What no member has seen, some of it. */
  async #skipUnseen(group: Group, bound: number, claimer: Claimer): Promise<number> {
    const { connection, groups, names } = this.#engine;
    const info = await consumerInfo(this.#engine, group, "log");
    const isBehind = info !== undefined && info.delivered.stream_seq < bound;
    if (!isBehind || info.num_pending === 0) return 0;
    const { eventTypes } = group.policy;
    const filters = (eventTypes ?? []).map((type) => names.eventsOf(type));
    const young = await countMessages(connection, names.stream, { filters, after: bound });
    const old = Math.min(info.num_pending - young, PORTION);
    if (old <= 0) return 0;
    const since = performance.now();
    const { messages, link } = await connection.persist("reading events", () =>
      pullNow(connection, groups.incarnations.addressOf(group, "log"), old),
    );
    const raw = messages.map((message) => rawMessage(message, link));
    const { leaseMs } = group.policy;
    const delivered = { group, lane: "log", messages: raw, leaseMs, since } as const;
    const claimed = await claimer.claim(delivered, raw.length);
    // Others may have been due at the same time: they go back as they came.
    await Promise.all(claimed.map(({ lease }) => lease.release()));
    return settled(claimer, delivered);
  }

  /** What waits in the server for its next attempt, of no key. */
  async #skipWaiting(group: Group, bound: number): Promise<number> {
    const found = await this.#engine.records.ofGroup(group);
    const old = found
      .filter(({ lane, position, record }) => lane === "log" && record.idle && position <= bound)
      .toSorted((a, b) => a.position - b.position);
    let count = 0;
    for (const one of old) if (await this.#skipOne(group, one)) count += 1;
    return count;
  }

  async #skipOne(group: Group, { position, record, revision }: FoundRecord): Promise<boolean> {
    const { connection, names, records } = this.#engine;
    const { ackTo: reply } = record;
    if (reply === undefined) return false;
    const stored = await connection.persist("reading an event", () =>
      connection.jsm.streams.getMessage(names.stream, { seq: position }),
    );
    const { id, attempts, delivery, failures, wasLost } = record;
    const taken = { id, delivery, attempts, idle: false, failures, wasLost };
    const recordRevision = await records.swap(group, "log", position, taken, revision);
    // A member has got it meanwhile.
    if (recordRevision === undefined) return false;
    const subject = stored?.subject ?? "";
    const message = { subject, headers: stored?.header, text: "", ...deliveryOf(reply) };
    return new DeliveryHold(this.#engine, {
      group,
      lane: "log",
      message: { ...message, delivery, link: UNKNOWN_LINK },
      position,
      id,
      attempt: attempts,
      failures,
      wasLost,
      recordRevision,
      until: performance.now() + group.policy.leaseMs,
      onEnd: () => {},
    }).settle(ACK);
  }

  /** Keys whose first event waits for its next attempt: it is skipped, and those behind it that are too old. */
  async #skipKeys(group: Group, bound: number, claimer: Claimer): Promise<number> {
    const { lines, clock } = this.#engine;
    const { leaseMs } = group.policy;
    const waiting = (await lines.marked(group, clock.now())).filter(
      ({ line: { head } }) => head?.reply !== undefined && head.position <= bound,
    );
    for (const marked of waiting) await claimer.keys.seize({ group, leaseMs }, marked);
    return waiting.length === 0 ? 0 : settled(claimer, { group, leaseMs });
  }
}

/** What one makes room for is skipped too, if it is too old; how many were skipped in all. */
async function settled(claimer: Claimer, leasing: Leasing): Promise<number> {
  let count = 0;
  for (;;) {
    await claimer.keys.quiet();
    const claimed = await claimer.takeFronts(leasing, PORTION);
    await Promise.all(claimed.map(({ lease }) => lease.release()));
    const skipped = claimer.takeSkipped();
    count += skipped;
    if (skipped === 0) break;
  }
  await claimer.giveUp();
  return count;
}
