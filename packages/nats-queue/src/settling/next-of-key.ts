import type { Connection } from "../connection/connection.ts";
import type { MessageSource } from "../messages/event-message.ts";
import type { Group } from "../groups/group.ts";
import type { Names } from "../server/names.ts";

/** So many events of types that a group doesn't want are passed over one by one. */
const MOST_STEPS = 8;

/**
 * Finds the events of a key in the log. The bucket of a key is a part of its events' subjects, so the server knows which
 * one comes next after a position.
 */
export class NextOfKey {
  readonly #connection: Connection;
  readonly #names: Names;

  constructor(connection: Connection, names: Names) {
    this.#connection = connection;
    this.#names = names;
  }

  /** The first event of the bucket behind a position that the group wants, if it is there yet. */
  async find(group: Group, bucket: string, after: number): Promise<MessageSource | undefined> {
    const { eventTypes } = group.policy;
    let from = after;
    for (let step = 0; step < MOST_STEPS; step += 1) {
      const found = await this.#next(this.#names.eventsOfBucket(bucket), from);
      if (found === undefined || eventTypes === null) return found;
      if (eventTypes.includes(this.#names.typeOf(found.subject))) return found;
      from = found.position;
    }
    const byType = await Promise.all(
      (eventTypes ?? []).map((type) =>
        this.#next(this.#names.eventsOfTypeAndBucket(type, bucket), from),
      ),
    );
    return byType
      .filter((one) => one !== undefined)
      .toSorted((a, b) => a.position - b.position)
      .at(0);
  }

  /** When what is at a position was stored; 0 where nothing is. */
  async storedAt(position: number): Promise<number> {
    if (position <= 0) return 0;
    const message = await this.#connection.persist("reading an event", () =>
      this.#connection.jsm.streams.getMessage(this.#names.stream, { seq: position }),
    );
    return message === null ? 0 : Date.parse(message.timestamp);
  }

  async #next(subject: string, after: number): Promise<MessageSource | undefined> {
    const query = { seq: after + 1, next_by_subj: subject };
    const message = await this.#connection.persist("reading an event", () =>
      this.#connection.jsm.streams.getMessage(this.#names.stream, query),
    );
    if (message === null) return undefined;
    return {
      subject: message.subject,
      headers: message.header,
      text: message.string(),
      position: message.seq,
      time: Date.parse(message.timestamp),
    };
  }
}
