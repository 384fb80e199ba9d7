import type { DeadLetterRequest } from "@ringrift/event-queue/backend";
import type { Connection } from "../connection/connection.ts";
import type { DeadLetterStore, FoundLetter } from "./dead-letter-store.ts";
import type { DeliveryRecords } from "../groups/delivery-records.ts";
import { HEADER } from "../messages/event-message.ts";
import { consumerInfo } from "../groups/group-consumer.ts";
import type { GroupStore } from "../groups/group-store.ts";
import type { Group } from "../groups/group.ts";
import type { KeyLines } from "../groups/key-lines.ts";
import { bucketOf, type Names, NO_KEY } from "../server/names.ts";
import type { ServerClock } from "../connection/server-clock.ts";

/** What giving dead letters back works with. */
export interface RedriverParts {
  readonly connection: Connection;
  readonly names: Names;
  readonly clock: ServerClock;
  readonly groups: GroupStore;
  readonly letters: DeadLetterStore;
  readonly lines: KeyLines;
  readonly records: DeliveryRecords;
}

/**
 * Gives dead letters back to their groups. One that was moved back since, and has an event again, leased or ahead of it, gets
 * it once, by the log: its letter is dropped.
 */
export class Redriver {
  readonly #parts: RedriverParts;

  constructor(parts: RedriverParts) {
    this.#parts = parts;
  }

  /** Resolves to how many letters there were. */
  async redrive(request: DeadLetterRequest): Promise<number> {
    const { letters, groups } = this.#parts;
    const found = await letters.find(request);
    const redriven = new Set<string>();
    for (const one of await letters.read(found)) {
      const { group: name } = one.note;
      const group = await groups.find(name);
      if (group !== undefined && (await this.#hasAgain(group, one))) {
        await letters.discard(one);
        continue;
      }
      await letters.redrive(one);
      redriven.add(name);
    }
    for (const name of redriven) await letters.noteRedrive(name);
    return found.length;
  }

  /** Whether the group has not settled the event since it was moved back. */
  async #hasAgain(group: Group, found: FoundLetter): Promise<boolean> {
    const { incarnation = group.incarnation } = found.note;
    const { position, letter } = found;
    if (incarnation === group.incarnation || position <= group.start) return false;
    if (!(await this.#isToCome(group, found))) return false;
    const bucket = bucketOf(letter.key);
    if (bucket === NO_KEY) return !(await this.#isSettled(group, found));
    const { line } = await this.#parts.lines.read(group, bucket);
    return position > line.settled;
  }

  /** Whether the log has it, and the group wants it. */
  async #isToCome(
    { policy }: Group,
    { letter, position, storedAt }: FoundLetter,
  ): Promise<boolean> {
    const { connection, names, clock } = this.#parts;
    const { eventTypes, skipAfterMs } = policy;
    if (eventTypes?.includes(letter.type) === false) return false;
    if (skipAfterMs !== null && storedAt < clock.now() - skipAfterMs) return false;
    const stored = await connection.persist("reading an event", () =>
      connection.jsm.streams.getMessage(names.stream, { seq: position }),
    );
    return stored !== null && stored.header.get(HEADER.id) === letter.id;
  }

  /** Of an event without a key. */
  async #isSettled(group: Group, { letter, position }: FoundLetter): Promise<boolean> {
    const info = await consumerInfo(this.#parts, group, "log");
    if (info === undefined || position > info.delivered.stream_seq) return false;
    if (position <= info.ack_floor.stream_seq) return true;
    const { record } = await this.#parts.records.get(group, "log", position, letter.id);
    return record?.isDone === true;
  }
}
