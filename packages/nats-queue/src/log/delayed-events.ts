import { type MsgHdrs, headers as newHeaders } from "@nats-io/transport-node";
import type { QueueError, StoredEvent } from "@ringrift/event-queue";
import { type OutgoingRecord, toStoredEvent } from "@ringrift/event-queue/backend";
import type { Connection } from "../connection/connection.ts";
import { countMessages, Cursor } from "../messages/cursor.ts";
import type { EventLog } from "./event-log.ts";
import {
  eventOf,
  idOfEvent,
  type EventMessage,
  HEADER,
  isIdOfEvent,
  isRepeatable,
  messageId,
  readEvent,
} from "../messages/event-message.ts";
import type { Names } from "../server/names.ts";
import { requireSameId } from "./repeated-send.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { StateEntry, StateStore } from "../messages/state-store.ts";
import type { StoredIds } from "./stored-ids.ts";

/** It was stored, and isn't retained any more. */
const GONE = "gone";

/** Where an event waits, and until when. */
export interface Waiting {
  /** Also the order of arrival, among events that fall due at once. */
  readonly revision: number;
  readonly dueAt: number;
}

/** An event that waits for its time. */
export interface WaitingEvent extends Waiting {
  /** As it will be in the log, but for its position and the time it is stored. */
  readonly event: EventMessage;
  readonly headers: MsgHdrs;
  /** What the log will know it by. */
  readonly messageId: string;
}

/** What a store of delayed events works with. */
export interface DelayedParts {
  readonly connection: Connection;
  readonly names: Names;
  readonly state: StateStore;
  readonly log: EventLog;
  readonly ids: StoredIds;
  readonly clock: ServerClock;
}

/**
 * Events that were sent and aren't in the log yet: a document each, under what the log will know it by, so that there
 * is one of each. They have no position: positions are given in the order in which readers may see events.
 */
export class DelayedEvents {
  readonly #parts: DelayedParts;

  constructor(parts: DelayedParts) {
    this.#parts = parts;
  }

  /** Stores one, unless it is known already. */
  async add(record: OutgoingRecord, headers: MsgHdrs): Promise<StoredEvent> {
    const { state, names, clock, ids } = this.#parts;
    const id = messageId(record);
    const dueAt = clock.latest() + record.delayMs;
    headers.set(HEADER.messageId, id);
    headers.set(HEADER.type, record.type);
    headers.set(HEADER.position, "0");
    headers.set(HEADER.dueAt, String(dueAt));
    const mine = eventOf(record, 0, Number(headers.get(HEADER.storedAt)));
    for (;;) {
      if (isRepeatable(record)) {
        const stored = await this.#stored(record, id);
        // Nothing of the one that is sent now belongs to the one that is stored.
        if (stored !== undefined) return { ...(stored === GONE ? mine : stored), duplicate: true };
      }
      const waiting = record.fresh ? undefined : await this.find(record);
      if (waiting !== undefined) return waiting;
      const revision = await state.swap(names.delayed(id), record.body, 0, { headers });
      if (revision !== undefined) {
        if (record.dedupeKey !== undefined) await state.put(names.delayedId(mine.id), id);
        ids.delayed(record);
        return { ...mine, dueAt };
      }
      const first = await this.#waiting(id);
      if (first !== undefined) return first;
    }
  }

  /** Takes one back that `add` has stored, unless it has come into the log meanwhile. */
  async withdraw(record: OutgoingRecord): Promise<void> {
    const { state, names } = this.#parts;
    const id = messageId(record);
    const entry = await state.get(names.delayed(id));
    if (entry?.headers?.get(HEADER.id) !== record.lineage.id) return;
    await state.remove(entry.revision);
    if (!isIdOfEvent(id)) await state.purge(names.delayedId(record.lineage.id));
  }

  /** What waits under the dedupe key or the id of an event that is to be sent at once. */
  async find(record: OutgoingRecord): Promise<StoredEvent | undefined> {
    if (!isRepeatable(record)) return undefined;
    const [first, other] = await Promise.allSettled([
      this.#waiting(messageId(record)),
      this.#waitingById(record),
    ]);
    if (first.status === "rejected") throw first.reason;
    // A dedupe key that is known answers first.
    if (first.value !== undefined) return first.value;
    if (other.status === "rejected") throw other.reason;
    return other.value;
  }

  /** What waits with the id of an event that is sent, under another dedupe key than that has, or where one of them has none. */
  async #waitingById(record: OutgoingRecord): Promise<StoredEvent | undefined> {
    if (record.fresh) return undefined;
    const { state, names } = this.#parts;
    const [plain, keyed] = await Promise.all([
      record.dedupeKey === undefined ? undefined : this.#waiting(idOfEvent(record)),
      state.get(names.delayedId(record.lineage.id)),
    ]);
    const found = plain ?? (keyed && (await this.#waiting(keyed.text)));
    requireSameId(record, found);
    return found;
  }

  /** Whether an event waits that has no dedupe key. */
  async waits(type: string, id: string): Promise<boolean> {
    const { state, names } = this.#parts;
    return (await state.get(names.delayed(`${type}:${id}`))) !== undefined;
  }

  /** Where such an event is in the log, for a while after it has fallen due. */
  async positionOf(type: string, id: string): Promise<number | undefined> {
    const { state, names, log } = this.#parts;
    const admitted = await state.get(names.admitted(`${type}:${id}`));
    const position = Number(admitted?.text.split(" ")[0] ?? 0);
    return position > 0 && (await log.at(position))?.id === id ? position : undefined;
  }

  /** Whether any waits. */
  async any(): Promise<boolean> {
    const { state, names } = this.#parts;
    return (await state.oldest(names.allDelayed)) !== undefined;
  }

  count(): Promise<number> {
    const { connection, names } = this.#parts;
    return countMessages(connection, names.stateStream, { filters: [names.allDelayed] });
  }

  /** Reads when events fall due, in order of arrival: those there are, and with later pages those that have come since. */
  cursor(): Cursor {
    const { connection, names } = this.#parts;
    const range = { filters: [names.allDelayed], headersOnly: true };
    return new Cursor(connection, names.stateStream, range);
  }

  /** The event that waits as this revision; `undefined` when it does so no more, the reason when it can't be read. */
  async read({ revision, dueAt }: Waiting): Promise<WaitingEvent | QueueError | undefined> {
    const entry = await this.#parts.state.at(revision);
    if (entry === undefined) return undefined;
    const read = readEvent(toSource(entry), this.#parts.names, "kept");
    if ("broken" in read) return read.broken.error;
    const { headers = newHeaders() } = entry;
    const id = headers.get(HEADER.messageId);
    return { revision, dueAt, event: read.event, headers, messageId: id };
  }

  /** It is in the log: notes where, for who sends it again, and lets it wait no more. */
  async settle({ revision, messageId: id, event }: WaitingEvent, position: number): Promise<void> {
    const { state, names, ids } = this.#parts;
    await state.put(names.admitted(id), `${position} ${event.lineage.id}`);
    const isKeyed = !isIdOfEvent(id);
    // Before it waits no more, so that it is known without a break.
    if (isKeyed) await ids.admitted(event.type, event.lineage.id, position);
    await state.remove(revision);
    if (isKeyed) await state.purge(names.delayedId(event.lineage.id));
  }

  /** Forgets where events are that entered the log longer ago than its window. */
  async forget(windowMs: number): Promise<void> {
    const { state, names, clock } = this.#parts;
    const before = clock.now() - windowMs;
    await state.removeOldest(names.allAdmitted, ({ time }) => time < before);
  }

  /** What the log has of it, if it was delayed and came in within the window, or the server can be asked. */
  async #stored(
    record: OutgoingRecord,
    id: string,
  ): Promise<StoredEvent | typeof GONE | undefined> {
    const { state, names, log, clock } = this.#parts;
    const known = await log.recall(names.event(record.type, record.key), id);
    if (known.position !== undefined) return (await log.at(known.position)) ?? GONE;
    const admitted = await state.get(names.admitted(id));
    if (admitted === undefined || admitted.time < clock.now() - known.windowMs) return undefined;
    const [position, eventId] = admitted.text.split(" ");
    const stored = await log.at(Number(position));
    // The server may have lost it.
    return stored?.id === eventId ? stored : undefined;
  }

  async #waiting(id: string): Promise<StoredEvent | undefined> {
    const { state, names } = this.#parts;
    const entry = await state.get(names.delayed(id));
    if (entry === undefined) return undefined;
    const read = readEvent(toSource(entry), names, "kept");
    if ("broken" in read) throw read.broken.error;
    const dueAt = Number(entry.headers?.get(HEADER.dueAt));
    return { ...toStoredEvent(read.event), dueAt, duplicate: true };
  }
}

function toSource({ subject, headers, text, revision, time }: StateEntry) {
  return { subject, headers, text, position: revision, time };
}
