import { createHash } from "node:crypto";
import { isDerivedId, nodeId } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import {
  canonicalJson,
  type OutgoingRecord,
  requireSameEvent,
} from "@ringrift/event-queue/backend";
import type { EventLog } from "../log/event-log.ts";
import type { Names } from "../server/names.ts";
import type { StateStore } from "../messages/state-store.ts";

/** Ids of this instance's sends that are remembered. */
const MOST_REMEMBERED = 10_000;

/** Which event has an id, and where it is, as far as known. In the state it is a document. */
interface Sent {
  readonly type: string;
  /** Of its payload; left out for an event whose id was made just now, since it is only needed until it is stored. */
  readonly digest?: string | undefined;
  readonly position?: number | undefined;
}

/**
 * Keeps the log unique by id, whatever the dedupe key of an event is. The server itself remembers `<type>:<id>` for its
 * window. Beyond that:
 *
 * - of ids that this process has made, it knows what it has sent of them;
 * - ids of others, and derived ones, have a document each, for as long as their events are retained.
 *
 * All of it counts within a type: nobody who may send one type can keep an event of another one out.
 */
export class StoredIds {
  readonly #state: StateStore;
  readonly #names: Names;
  readonly #log: EventLog;
  readonly #sent = new Map<string, Sent>();

  constructor(parts: {
    readonly state: StateStore;
    readonly names: Names;
    readonly log: EventLog;
  }) {
    this.#state = parts.state;
    this.#names = parts.names;
    this.#log = parts.log;
  }

  /**
   * Takes the id of an event that is to be stored. Resolves to the event that is stored under it, if there is one.
   *
   * @throws QueueError (rejects) `ID_TAKEN`
   */
  async take(record: OutgoingRecord): Promise<StoredEvent | undefined> {
    const { id } = record.lineage;
    const known = this.#sent.get(id);
    if (known !== undefined) return this.#compare(record, known);
    const mine = sentAs(record);
    this.#remember(id, mine);
    return isOwn(record) ? undefined : this.#takeDocument(record, mine);
  }

  /** Notes where an event is. */
  async stored(record: OutgoingRecord, position: number): Promise<void> {
    const { type, fresh, lineage } = record;
    this.#remember(lineage.id, { type, position });
    if (fresh || isOwn(record)) return;
    const document = JSON.stringify({ ...sentAs(record), position });
    await this.#state.put(this.#names.storedId(type, lineage.id), document);
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
      // The cast is safe: written here, or by `stored`.
      if (entry !== undefined) return this.#compare(record, JSON.parse(entry.text) as Sent);
    }
  }

  /** Who took the id may have ended before it stored the event, and the event may be gone. */
  async #compare(record: OutgoingRecord, known: Sent): Promise<StoredEvent | undefined> {
    const { type, digest, position } = known;
    const found = position === undefined ? undefined : await this.#log.at(position);
    // Where the server has lost the end of its log, the position may be another event's by now.
    const stored = found?.id === record.lineage.id ? found : undefined;
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

  #remember(id: string, sent: Sent): void {
    this.#sent.delete(id);
    this.#sent.set(id, sent);
    const [oldest] = this.#sent;
    if (this.#sent.size > MOST_REMEMBERED && oldest !== undefined) this.#sent.delete(oldest[0]);
  }
}

/** Whether this process has made the id, and no other one can have sent it before. */
function isOwn({ lineage, isCarried }: OutgoingRecord): boolean {
  return isCarried !== true && lineage.origin === nodeId() && !isDerivedId(lineage.id);
}

function sentAs({ type, body }: OutgoingRecord): Sent {
  return { type, digest: createHash("sha256").update(canonicalJson(body)).digest("base64") };
}
