import type { StartFrom } from "@ringrift/envelope";
import type {
  BackendHost,
  GroupMember,
  HealthReport,
  LogStats,
  QueueBackend,
} from "../backend/queue-backend.ts";
import type { StoredEvent } from "../events.ts";
import type { GivenGroupPolicy } from "../group-policy.ts";
import type { OutgoingRecord } from "../outgoing.ts";
import type { LogPage, LogQuery } from "../reader.ts";
import type { HistoryRequest } from "../requests.ts";
import { toStoredEvent } from "../stored-event.ts";
import { MemoryDeadLetters } from "./memory-dead-letters.ts";
import { MemoryGroups } from "./memory-groups.ts";
import type { MemoryLog, SweptLog } from "./memory-log.ts";
import { MemoryMember } from "./memory-member.ts";

/** One instance's view of a log in memory. */
export class MemoryBackend implements QueueBackend {
  readonly groups: MemoryGroups;
  readonly deadLetters: MemoryDeadLetters;
  readonly secret: Uint8Array;
  readonly #all: MemoryLog;
  readonly #host: BackendHost;
  readonly #log: SweptLog;

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

  member(name: string, given: GivenGroupPolicy): GroupMember {
    return new MemoryMember({ log: this.#log, name, given });
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

  async health({ details }: HealthReport): Promise<void> {
    const { size, newest } = this.#log();
    Object.assign(details, { events: size, newest });
  }

  async close(): Promise<void> {
    this.#all.bells.delete(this.#host.bell);
  }
}
