import { createHash } from "node:crypto";
import { isDerivedId, nodeId } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import {
  canonicalJson,
  type OutgoingRecord,
  requireSameEvent,
} from "@ringrift/event-queue/backend";
import type { EventLog } from "./event-log.ts";
import type { Names } from "../server/names.ts";
import { type Sent, SentIds } from "./sent-ids.ts";
import type { StateStore } from "../messages/state-store.ts";

/**
 * Keeps the log unique by id, whatever the dedupe key of an event is. The server itself remembers `<type>:<id>` for its
 * window. Beyond that:
 *
 * - of ids that this process has made, it knows what it has sent of them;
 * - ids of others, derived ones, and those of events with a dedupe key, which the server knows by that one, have a document
 *   each, for as long as their events are retained.
 *
 * All of it counts within a type: nobody who may send one type can keep an event of another one out.
 */
export class StoredIds {
  readonly #state: StateStore;
  readonly #names: Names;
  readonly #log: EventLog;
  #sent = new SentIds();

  constructor(parts: {
    readonly state: StateStore;
    readonly names: Names;
    readonly log: EventLog;
  }) {
    this.#state = parts.state;
    this.#names = parts.names;
    this.#log = parts.log;
  }

  /** Shares what is known with the other instances of this process. */
  share(queueId: string): void {
    this.#sent = SentIds.of(queueId);
  }

  /**
   * Takes the id of an event that is to be stored. Resolves to the event that is stored under it, if there is one.
   *
   * @throws QueueError (rejects) `ID_TAKEN`
   */
  async take(record: OutgoingRecord): Promise<StoredEvent | undefined> {
    const { id } = record.lineage;
    const known = this.#sent.get(id);
    const isAsked = known === undefined || !(isPlaced(known) || isOwn(record));
    if (!isAsked) return this.#compare(record, known);
    const mine = sentAs(record);
    this.#sent.set(id, mine);
    return isOwn(record) ? undefined : this.#takeDocument(record, mine);
  }

  /** Notes where an event is. */
  async stored(record: OutgoingRecord, position: number): Promise<void> {
    const { type, fresh, lineage, dedupeKey } = record;
    this.#sent.set(lineage.id, { type, position });
    if (dedupeKey === undefined && (fresh || isOwn(record))) return;
    const document = JSON.stringify({ ...sentAs(record), position });
    await this.#state.put(this.#names.storedId(type, lineage.id), document);
  }

  /** Notes that an event waits for its time. */
  delayed({ type, lineage }: OutgoingRecord): void {
    this.#sent.set(lineage.id, { type, isDelayed: true });
  }

  /** Notes where an event is that had a dedupe key and has waited, whichever instance has sent it. */
  async admitted(type: string, id: string, position: number): Promise<void> {
    await this.#state.put(this.#names.storedId(type, id), JSON.stringify({ type, position }));
  }

  /** Where an event of another process is, as far as there is a document of it. */
  async positionOf(type: string, id: string): Promise<number | undefined> {
    const entry = await this.#state.get(this.#names.storedId(type, id));
    // The cast is safe: written here.
    const { position } = JSON.parse(entry?.text ?? "{}") as Partial<Sent>;
    const found = position === undefined ? undefined : await this.#log.at(position);
    return found?.id === id ? position : undefined;
  }

  /** Forgets the ids of events that are older than all that is retained. */
  async forget(before: number): Promise<void> {
    await this.#state.removeOldest(this.#names.allStoredIds, ({ time }) => time < before);
  }

  async #takeDocument(record: OutgoingRecord, mine: Sent): Promise<StoredEvent | undefined> {
    const subject = this.#names.storedId(record.type, record.lineage.id);
    const text = JSON.stringify(mine);
    for (;;) {
      if ((await this.#state.swap(subject, text, 0)) !== undefined) return undefined;
      const entry = await this.#state.get(subject);
      if (entry === undefined) continue;
      // The cast is safe: written here, or by `stored`.
      const known = JSON.parse(entry.text) as Sent;
      if (isPlaced(known)) this.#sent.set(record.lineage.id, known);
      return this.#compare(record, known);
    }
  }

  /** Who took the id may have ended before it stored the event, and the event may be gone. */
  async #compare(record: OutgoingRecord, known: Sent): Promise<StoredEvent | undefined> {
    const { type, digest, isDelayed } = known;
    const { id } = record.lineage;
    const position = isDelayed === true ? await this.positionOf(type, id) : known.position;
    const found = position === undefined ? undefined : await this.#log.at(position);
    // Where the server has lost the end of its log, the position may be another event's by now.
    const stored = found?.id === id ? found : undefined;
    if (stored !== undefined) {
      requireSameEvent(record, { type: stored.type, body: JSON.stringify(stored.payload) });
      return stored;
    }
    // Without a digest it was stored, and isn't retained any more: then it is a new event.
    if (digest === undefined) return undefined;
    const isSame = digest === sentAs(record).digest;
    requireSameEvent(record, { type, body: isSame ? record.body : "" });
    return undefined;
  }
}

/** Whether it is known where it is, or how to find out; otherwise others may have stored it meanwhile. */
function isPlaced({ position, isDelayed }: Sent): boolean {
  return position !== undefined || isDelayed === true;
}

/** Whether this process has made the id, and no other one can have sent it before. */
function isOwn({ lineage, isCarried }: OutgoingRecord): boolean {
  return isCarried !== true && lineage.origin === nodeId() && !isDerivedId(lineage.id);
}

function sentAs({ type, body }: OutgoingRecord): Sent {
  return { type, digest: createHash("sha256").update(canonicalJson(body)).digest("base64") };
}
