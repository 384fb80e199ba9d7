import type { Connection } from "./connection.ts";
import type { Group } from "./group.ts";
import type { Names } from "./names.ts";
import type { StateStore } from "./state-store.ts";

/** Where a keyed event stands: its turn, after others, or settled already. */
export type KeyStanding =
  | { readonly turn: "now"; readonly revision: number }
  | { readonly turn: "later" }
  | { readonly turn: "over" };

/**
 * Order by key within a group. The bucket of a key is a part of its events' subjects, so the server can say
 * which event of it comes next after a position; up to which position the group has settled the bucket is a
 * document. An event may be handled when it is the next one, whichever member has it.
 */
export class KeyOrder {
  readonly #connection: Connection;
  readonly #names: Names;
  readonly #state: StateStore;

  constructor(connection: Connection, names: Names, state: StateStore) {
    this.#connection = connection;
    this.#names = names;
    this.#state = state;
  }

  async standing(group: Group, bucket: string, position: number): Promise<KeyStanding> {
    const entry = await this.#state.get(this.#names.settledKey(group.incarnation, bucket));
    const settled = entry === undefined ? group.start : Number(entry.text);
    if (position <= settled) return { turn: "over" };
    const next = await this.next(group, bucket, settled);
    return next === undefined || next >= position
      ? { turn: "now", revision: entry?.revision ?? 0 }
      : { turn: "later" };
  }

  /**
   * Notes that the event whose turn it was is settled. `false` when somebody else did so: the lease was lost.
   */
  async settle(group: Group, bucket: string, position: number, revision: number): Promise<boolean> {
    const subject = this.#names.settledKey(group.incarnation, bucket);
    const text = String(position);
    if ((await this.#state.swap(subject, text, revision)) !== undefined) return true;
    // What was settled before may have been forgotten meanwhile: then it is still the turn of this one.
    if (revision === 0 || (await this.#state.get(subject)) !== undefined) return false;
    return (await this.#state.swap(subject, text, 0)) !== undefined;
  }

  /**
   * Forgets how far buckets are settled of which the log has nothing that old any more: the first event that it has
   * of them is the next one.
   */
  forget(group: Group, oldestPosition: number): Promise<void> {
    const subjects = this.#names.settledKeys(group.incarnation);
    return this.#state.removeOldest(subjects, ({ text }) => Number(text) < oldestPosition);
  }

  /** The event of the bucket whose turn it is after the one at `after`, if it is there yet. */
  async next(group: Group, bucket: string, after: number): Promise<number | undefined> {
    const { eventTypes } = group.policy;
    const subject = this.#names.eventsOfBucket(bucket);
    let from = after;
    for (;;) {
      const query = { seq: from + 1, next_by_subj: subject };
      const message = await this.#connection.persist("reading an event", () =>
        this.#connection.jsm.streams.getMessage(this.#names.stream, query),
      );
      if (message === null) return undefined;
      const { seq } = message;
      if (eventTypes === null || eventTypes.includes(this.#names.typeOf(message.subject))) {
        return seq;
      }
      from = seq;
    }
  }
}
