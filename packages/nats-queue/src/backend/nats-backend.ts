import type { StartFrom } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import {
  type BackendHost,
  type GroupMember,
  type HealthReport,
  type HistoryRequest,
  type LogPage,
  type LogQuery,
  type LogStats,
  type MemberOptions,
  type OutgoingRecord,
  type QueueBackend,
} from "@ringrift/event-queue/backend";
import { Engine } from "../engine/engine.ts";
import { Redriver } from "../settling/redriver.ts";
import { logStats, reportHealth } from "./health.ts";
import { Member } from "../engine/member.ts";
import { NatsDeadLetters } from "./nats-dead-letters.ts";
import { NatsGroups } from "./nats-groups.ts";
import { NatsMigration } from "./nats-migration.ts";
import { type Identity, identityOf } from "../log/identity.ts";
import type { CheckedOptions } from "../server/options.ts";
import { StoppableMember } from "../engine/stoppable-member.ts";

/** The queue on JetStream, as the public API works on it. */
export class NatsBackend implements QueueBackend {
  readonly groups: NatsGroups;
  readonly deadLetters: NatsDeadLetters;
  readonly migration: NatsMigration;
  readonly #identity: Identity;
  readonly #engine: Engine;
  readonly #options: CheckedOptions;
  /** Reads of "now": what is sent after such a call comes after it in the log. */
  readonly #starting = new Set<Promise<unknown>>();

  static async open(options: CheckedOptions, host: BackendHost): Promise<NatsBackend> {
    const engine = await Engine.open(options, host);
    try {
      const identity = await identityOf(engine.state, engine.names);
      engine.ids.share(identity.id);
      return new NatsBackend(engine, options, identity);
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  private constructor(engine: Engine, options: CheckedOptions, identity: Identity) {
    this.#engine = engine;
    this.#identity = identity;
    this.#options = options;
    this.groups = new NatsGroups(engine);
    this.deadLetters = new NatsDeadLetters(engine.letters, new Redriver(engine.group));
    this.migration = new NatsMigration(engine);
  }

  get secret(): Uint8Array {
    return this.#identity.secret;
  }

  async append(records: readonly OutgoingRecord[]): Promise<StoredEvent[]> {
    if (this.#starting.size > 0) await Promise.allSettled(this.#starting);
    const { publisher, admission, sends, watch } = this.#engine;
    const stored = await publisher.append(records).catch(async (error: unknown) => {
      await sends.noteFailure(error);
      throw error;
    });
    sends.clear();
    for (const { position } of stored) watch.saw(position);
    const due = stored.flatMap(({ dueAt, duplicate }) => (duplicate ? [] : (dueAt ?? [])));
    if (due.length > 0) admission.announce(Math.min(...due));
    return stored;
  }

  read(query: LogQuery): Promise<LogPage> {
    return this.#engine.log.read(query);
  }

  history(request: HistoryRequest): Promise<StoredEvent[]> {
    return this.#engine.log.history(request);
  }

  startAfter(from: StartFrom): Promise<number> {
    const start = this.#engine.log.startAfter(from);
    if (from === "now") {
      this.#starting.add(start);
      const forget = (): unknown => this.#starting.delete(start);
      start.then(forget, forget);
    }
    return start;
  }

  listen(): Promise<void> {
    return this.#engine.tail.listen();
  }

  member(options: MemberOptions): GroupMember {
    const member = new Member(this.#engine, options);
    return options.stays ? new StoppableMember(member, this.#engine.connection) : member;
  }

  async id(): Promise<string> {
    return this.#identity.id;
  }

  stats(): Promise<LogStats> {
    return logStats(this.#engine);
  }

  health(report: HealthReport): Promise<void> {
    return reportHealth(this.#engine, this.#options, report);
  }

  hold(isHeld: boolean): void {
    this.#engine.connection.hold(isHeld);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }
}
