import type { StartFrom } from "@ringrift/envelope";
import type {
  BackendHost,
  GroupMember,
  HealthReport,
  LogStats,
  MemberOptions,
  QueueBackend,
} from "../backend/queue-backend.ts";
import type { StoredEvent } from "../contract/events.ts";
import type { OutgoingRecord } from "../sending/outgoing.ts";
import type { LogPage, LogQuery } from "../reading/instance-reader.ts";
import type { HistoryRequest } from "../reading/requests.ts";
import { toStoredEvent } from "../sending/stored-event.ts";
import { MemoryDeadLetters } from "./memory-dead-letters.ts";
import { MemoryMigration } from "./memory-migration.ts";
import { MemoryGroups } from "./memory-groups.ts";
import type { MemoryLog, SweptLog } from "../memory-state/memory-log.ts";
import { MemoryMember } from "./memory-member.ts";

/** One instance's view of a log in memory. */
export class MemoryBackend implements QueueBackend {
  readonly groups: MemoryGroups;
  readonly deadLetters: MemoryDeadLetters;
  readonly migration: MemoryMigration;
  readonly secret: Uint8Array;
  readonly #all: MemoryLog;
  readonly #host: BackendHost;
  readonly #log: SweptLog;
  /** Those that stay: they are gone with this instance. */
  readonly #members = new Set<MemoryMember>();

  constructor(log: MemoryLog, host: BackendHost) {
    this.#all = log;
    this.secret = log.secret;
    this.#host = host;
    this.#log = () => {
      log.sweep(host.onDropped);
      return log;
    };
    this.groups = new MemoryGroups(this.#log);
    this.deadLetters = new MemoryDeadLetters(this.#log);
    this.migration = new MemoryMigration(this.#log);
    log.bells.add(host.bell);
  }

  async append(records: readonly OutgoingRecord[]): Promise<StoredEvent[]> {
    return this.#log().append(records);
  }

  async read(query: LogQuery): Promise<LogPage> {
    return this.#log().read(query);
  }

  async history({
    eventTypes,
    since,
    until,
    after,
    limit,
  }: HistoryRequest): Promise<StoredEvent[]> {
    const found: StoredEvent[] = [];
    for (const record of this.#log().after(after)) {
      if (found.length === limit) break;
      if (eventTypes !== undefined && !eventTypes.includes(record.type)) continue;
      if (since !== undefined && record.storedAt < since) continue;
      if (until !== undefined && record.storedAt >= until) continue;
      found.push(toStoredEvent(record));
    }
    return found;
  }

  async startAfter(from: StartFrom): Promise<number> {
    return this.#log().resolve(from);
  }

  /** The log rings by itself. */
  async listen(): Promise<void> {}

  member(options: MemberOptions): GroupMember {
    const { onError: report } = this.#host;
    const tellOfBuried = (): void => this.#tellOfBuried();
    const member = new MemoryMember({ log: this.#log, options, report, tellOfBuried });
    if (options.stays) this.#members.add(member);
    return member;
  }

  async id(): Promise<string> {
    return this.#all.id;
  }

  async stats(): Promise<LogStats> {
    const log = this.#log();
    return {
      events: log.size,
      oldestPosition: log.size === 0 ? undefined : log.newest - log.size + 1,
      newestPosition: log.size === 0 ? undefined : log.newest,
      delayed: log.delayed,
      groups: log.groups.size,
      deadLetters: log.deadLetters.length,
    };
  }

  async health({ details, ages }: HealthReport): Promise<void> {
    const log = this.#log();
    const now = log.now();
    Object.assign(details, { events: log.size, newest: log.newest });
    for (const group of log.groups.values()) {
      const [oldest] = log.after(group.floor() - 1);
      const { pending } = group.counts(now);
      const ageMs = pending === 0 || oldest === undefined ? 0 : Math.max(0, now - oldest.storedAt);
      ages.set(group.name, ageMs);
    }
  }

  /** Of what was buried by the call that just ran: nothing else runs in between. */
  #tellOfBuried(): void {
    for (const { group, record, attempts, error } of this.#all.buried.splice(0)) {
      this.#host.onDeadLetter({ group, id: record.lineage.id, type: record.type, attempts, error });
    }
  }

  async close(): Promise<void> {
    this.#all.bells.delete(this.#host.bell);
    for (const member of this.#members) member.vanish();
  }
}
