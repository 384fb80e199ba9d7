import { Claimer } from "./claimer.ts";
import { countMessages, Cursor } from "./cursor.ts";
import type { GroupEngine } from "./group-engine.ts";
import type { Group } from "./group.ts";
import { consumerInfo } from "./group-info.ts";
import { HEADER } from "./event-message.ts";
import { ReleaseOrder } from "./release-order.ts";
import { Lease } from "./lease.ts";
import { NO_KEY } from "./names.ts";
import { pullNow } from "./pull.ts";
import { rawMessage } from "./raw-message.ts";

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
  readonly #claimer: Claimer;

  constructor(engine: GroupEngine) {
    this.#engine = engine;
    this.#claimer = new Claimer(engine);
  }

  /** Every group that has a bound. */
  async skipAll(): Promise<void> {
    for (const group of await this.#engine.groups.all()) await this.skip(group);
  }

  /** Skips what one group may skip now, and counts it. */
  async skip(group: Group): Promise<void> {
    const { skipAfterMs } = group.policy;
    if (skipAfterMs === null) return;
    const bound = await this.#newestBefore(this.#engine.clock.now() - skipAfterMs);
    if (bound === 0) return;
    let count = 0;
    try {
      count += await this.#skipWaiting(group, bound);
      for (let portions = 0; portions < MOST_PORTIONS; portions += 1) {
        const skipped = await this.#skipUnseen(group, bound);
        count += skipped;
        if (skipped === 0) break;
      }
    } finally {
      await this.#engine.skips.add(group, count);
    }
  }

  /** Position of the newest event that was stored before a moment; 0 when there is none. */
  async #newestBefore(time: number): Promise<number> {
    const { connection, names } = this.#engine;
    const cursor = new Cursor(connection, names.stream, { filters: [], since: time });
    try {
      return await cursor.start();
    } finally {
      await cursor.close();
    }
  }

  /** What no member has seen, some of it. */
  async #skipUnseen(group: Group, bound: number): Promise<number> {
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
    const { messages } = await connection.persist("reading events", () =>
      pullNow(connection, groups.addressOf(group, "log"), old),
    );
    const raw = messages.map((message) => rawMessage(message));
    const { leaseMs } = group.policy;
    const delivered = { group, lane: "log", messages: raw, leaseMs, since } as const;
    const { claimed, skipped } = await this.#claimer.claim(delivered);
    // Others may have been due at the same time: they go back as they came.
    for (const { lease } of claimed) await lease.release();
    return skipped;
  }

  /** What waits in the server for its next attempt, or for an earlier one of its key. */
  async #skipWaiting(group: Group, bound: number): Promise<number> {
    const found = await this.#engine.records.ofGroup(group);
    const old = found
      .filter(({ lane, position, record }) => lane === "log" && record.idle && position <= bound)
      .map(({ position }) => position)
      .toSorted((a, b) => a - b);
    let count = 0;
    // In order: of a key, one makes room for the next.
    for (const position of old) if (await this.#skipOne(group, position)) count += 1;
    return count;
  }

  async #skipOne(group: Group, position: number): Promise<boolean> {
    const { connection, names, keys, records } = this.#engine;
    // The one before of its key has changed it, if it was skipped just now.
    const { record, revision } = await records.get(group, "log", position);
    const reply = record?.ackTo;
    if (record?.idle !== true || reply === undefined) return false;
    const message = await connection.persist("reading an event", () =>
      connection.jsm.streams.getMessage(names.stream, { seq: position }),
    );
    const subject = message?.subject ?? "";
    const bucket = names.bucketOf(subject);
    const standing = bucket === NO_KEY ? undefined : await keys.standing(group, bucket, position);
    // A member has an earlier one of its key: this one is skipped when its turn comes.
    if (standing?.turn === "later") return false;
    const { attempts: attempt, delivery, failures } = record;
    const taken = { delivery, attempts: attempt, idle: false, failures };
    const recordRevision = await records.swap(group, "log", position, taken, revision);
    // A member has got it meanwhile.
    if (recordRevision === undefined) return false;
    const headers = message?.header;
    const time = 0;
    const claimed = {
      group,
      lane: "log" as const,
      message: { subject, headers, text: "", position, time, delivery, reply },
      place: { position, type: names.typeOf(subject), storedAt: time },
      id: headers?.get(HEADER.id) ?? "",
      attempt,
      recordRevision,
      failures,
      key: standing?.turn === "now" ? { bucket, revision: standing.revision } : undefined,
      heldUntil: performance.now() + group.policy.leaseMs,
    };
    return new Lease(this.#engine, claimed, new ReleaseOrder()).skip();
  }
}
