import {
  type AdoptedGroup,
  type CarriedLetter,
  type EventSpot,
  foreignPosition,
  type MigrationBackend,
  type MigrationPage,
  type SoughtEvent,
} from "../backend/migration-backend.ts";
import type { StoredEvent } from "../contract/events.ts";
import { groupNotFound } from "../checking/group-errors.ts";
import { toStoredEvent } from "../sending/stored-event.ts";
import { WantedTypes } from "../groups/wanted-types.ts";
import type { BuriedEntry } from "../memory-state/group-entry.ts";
import type { SweptLog } from "../memory-state/memory-log.ts";

/** Moving a log in memory. It has everything in memory anyway, and gives it in one page. */
export class MemoryMigration implements MigrationBackend {
  readonly #log: SweptLog;

  constructor(log: SweptLog) {
    this.#log = log;
  }

  async oldestUnsettled(name: string): Promise<number | undefined> {
    const group = this.#log().groups.get(name);
    if (group === undefined) throw groupNotFound(name);
    return group.oldestUnsettled();
  }

  async delayed(): Promise<MigrationPage<StoredEvent>> {
    const items = this.#log().delayedRecords.map((record) => toStoredEvent(record));
    return { items, next: undefined };
  }

  async letters(): Promise<MigrationPage<CarriedLetter>> {
    const { deadLetters, groups } = this.#log();
    const dead = deadLetters.map(toCarried);
    const redriven = [...groups.values()].flatMap((group) => group.redriven());
    return { items: [...dead, ...redriven], next: undefined };
  }

  async locate(events: readonly SoughtEvent[]): Promise<readonly EventSpot[]> {
    const log = this.#log();
    return events.map(({ id }) => {
      const record = log.recordOf(id);
      return record?.position === 0 ? "delayed" : record?.position;
    });
  }

  async adoptGroup({ name, policy, isReader, after, againUpTo }: AdoptedGroup): Promise<void> {
    const log = this.#log();
    const found = log.groups.get(name);
    if (found !== undefined && !found.isUntouched) return;
    const wanted = WantedTypes.of(policy.eventTypes);
    const group = found ?? log.createGroup({ name, policy, wanted, cursor: after });
    group.moveTo(after, policy, wanted);
    group.isReader = isReader;
    group.adopted = { start: after, againUpTo };
    log.ring();
  }

  async adoptLetters(letters: readonly CarriedLetter[]): Promise<number> {
    const log = this.#log();
    let added = 0;
    for (const { isRedriven, ...letter } of letters) {
      const group = log.groups.get(letter.group);
      const { id } = letter.record.lineage;
      const isThere = log.deadLetters.some(
        (other) => other.group === letter.group && other.record.lineage.id === id,
      );
      if (group === undefined || isThere) continue;
      const known = log.recordOf(id);
      const isInLog = known !== undefined && known.position > 0;
      const position = isInLog ? known.position : foreignPosition(letter.record.position);
      const record = isInLog ? known : { ...letter.record, position };
      if (isRedriven) group.redrive(record, log.now());
      else log.deadLetters.push({ ...letter, record });
      added += 1;
    }
    log.ring();
    return added;
  }
}

function toCarried(letter: BuriedEntry): CarriedLetter {
  const { record, group, attempts, error, history, time } = letter;
  return { record, group, attempts, error, history, time, isRedriven: false };
}
