import type { AnyContracts, Contracts, EventName, EventView } from "@ringrift/envelope";
import { BacklogGate, type BacklogOptions, checkBacklog } from "../backlog-gate.ts";
import type { ConsumerMiddleware } from "../consumer-middleware.ts";
import type { ConsumeOptions, Consumer, EventHandler, EventHandlers } from "../consumer.ts";
import type {
  ConsumerGroup,
  EventQueue,
  GroupReceiveOptions,
  HistoryOptions,
  OutgoingEvent,
  QueueHealth,
  QueueStats,
  ReceiveOptions,
  SendOptions,
  StreamOptions,
} from "../contract.ts";
import type { DeadLetters } from "../dead-letters.ts";
import { createEventStream } from "../event-stream.ts";
import type { LeasedEvent, QueueEvent, StoredEvent } from "../events.ts";
import { checkGroupPolicy } from "../group-policy.ts";
import type { GroupPolicy, Groups } from "../groups.ts";
import { checkGroupName } from "../names.ts";
import { checkNumber, checkOptionNames, invalidOption } from "../options.ts";
import { type OutgoingChecks, prepareEvent, prepareEvents } from "../outgoing.ts";
import { MAX_PAYLOAD_BYTES } from "../payload.ts";
import { InstanceReader, type LogSource } from "../reader.ts";
import {
  checkHistory,
  checkReceive,
  checkStream,
  splitConsume,
  splitReceive,
} from "../requests.ts";
import { toStoredEvent } from "./log-record.ts";
import { MemoryDeadLetters } from "./memory-dead-letters.ts";
import { MemoryGroup } from "./memory-group.ts";
import { MemoryGroups } from "./memory-groups.ts";
import { MemoryInstance } from "./memory-instance.ts";
import { MemoryLog, type MemoryLogOptions } from "./memory-log.ts";

/** Options of a {@link MemoryEventQueue}. */
export interface MemoryEventQueueOptions<C extends Contracts = AnyContracts>
  extends MemoryLogOptions, BacklogOptions {
  /** The catalogue's view: types of the events, and a check of their names. */
  readonly events?: EventView<C> | undefined;
  /** At most 1,048,576. @default 262_144 */
  readonly maxPayloadBytes?: number | undefined;
  /** A log to share with other instances; it has the options of {@link MemoryLogOptions} then. */
  readonly log?: MemoryLog | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof MemoryEventQueueOptions>([
  "events",
  "maxPayloadBytes",
  "log",
  "dedupeWindowMs",
  "retentionMs",
  "now",
  "maxBacklog",
  "backlogWaitMs",
]);

/**
 * The contract in memory, for tests and for programs of one process: everything that {@link EventQueue}
 * says, but nothing survives the process. It is also the reference model that other backends are tested
 * against.
 *
 * @example
 * const queue = new MemoryEventQueue();
 * await queue.send("ORDER_PLACED", { cents: 4200 });
 * (await queue.receive())[0].payload // { cents: 4200 }
 */
export class MemoryEventQueue<C extends Contracts = AnyContracts> implements EventQueue<C> {
  readonly deadLetters: DeadLetters;
  readonly groups: Groups;
  readonly #instance: MemoryInstance;
  readonly #view: EventView<Contracts> | undefined;
  readonly #checks: OutgoingChecks;
  readonly #source: LogSource;
  readonly #reader: InstanceReader;
  readonly #gate: BacklogGate;

  /** @throws QueueError `INVALID_OPTION` */
  constructor(options: MemoryEventQueueOptions<C> = {}) {
    checkOptionNames("MemoryEventQueue", options, OPTION_NAMES);
    const { events, maxPayloadBytes, log, maxBacklog, backlogWaitMs, ...logOptions } = options;
    if (log !== undefined && Object.keys(logOptions).length > 0) {
      throw invalidOption(
        `Options "log" and "${Object.keys(logOptions).join('", "')}" are given together. Give the latter to the MemoryLog.`,
      );
    }
    if (maxPayloadBytes !== undefined) {
      checkNumber("maxPayloadBytes", maxPayloadBytes, { min: 1, max: MAX_PAYLOAD_BYTES });
    }
    this.#view = events;
    this.#checks = { view: events, maxBytes: maxPayloadBytes };
    this.#gate = new BacklogGate(checkBacklog({ maxBacklog, backlogWaitMs }), async () =>
      this.#instance.use().furthestBehind(),
    );
    this.#instance = new MemoryInstance(log ?? new MemoryLog(logOptions));
    this.deadLetters = new MemoryDeadLetters(this.#instance);
    this.groups = new MemoryGroups(this.#instance);
    this.#source = {
      bell: this.#instance.bell,
      resolve: async (from) => this.#instance.use().resolve(from),
      read: async (query) => this.#instance.use().read(query),
    };
    this.#reader = new InstanceReader(this.#source);
  }

  async send<K extends EventName<C>>(
    type: K,
    payload: C[K],
    options?: SendOptions,
  ): Promise<QueueEvent<C, K>> {
    const record = prepareEvent(type, payload, options, this.#checks);
    const [event] = await this.#append([record]);
    return contracted(event);
  }

  async sendMany(events: readonly OutgoingEvent<C>[]): Promise<QueueEvent<C>[]> {
    return contracted(await this.#append(prepareEvents(events, this.#checks)));
  }

  receive<K extends EventName<C> = EventName<C>>(
    options?: ReceiveOptions<K> & { readonly group?: undefined },
  ): Promise<QueueEvent<C, K>[]>;
  receive<K extends EventName<C> = EventName<C>>(
    options: ReceiveOptions<K> & GroupReceiveOptions & { readonly group: string },
  ): Promise<LeasedEvent<C, K>[]>;
  async receive<K extends EventName<C>>(
    options: ReceiveOptions<K> & GroupReceiveOptions & { readonly group?: string | undefined } = {},
  ): Promise<QueueEvent<C, K>[]> {
    const { group, ...rest } = options;
    if (group === undefined) {
      const events = await this.#reader.receive(checkReceive(rest, this.#view));
      this.#instance.counts.received += events.length;
      return contracted(events);
    }
    const split = splitReceive({ ...rest, group });
    return this.group<K>(split.group, split.policy).receive(split.receive);
  }

  group<K extends EventName<C> = EventName<C>>(
    name: string,
    policy?: GroupPolicy<C, K>,
  ): ConsumerGroup<C, K> {
    return contracted(
      new MemoryGroup(
        checkGroupName(name),
        this.#instance,
        checkGroupPolicy(policy, this.#view),
        this.#view,
      ),
    );
  }

  consume<K extends EventName<C> = EventName<C>>(
    options: ConsumeOptions<C, K>,
    handler: EventHandler<C, K> | EventHandlers<C>,
  ): Consumer {
    const { group, policy, member } = splitConsume(options);
    return this.group<K>(group, policy).consume(handler, member);
  }

  use(middleware: ConsumerMiddleware<C>): () => void {
    return this.#instance.middlewares.add(contracted(middleware));
  }

  stream<K extends EventName<C> = EventName<C>>(
    options?: StreamOptions<K>,
  ): AsyncIterableIterator<QueueEvent<C, K>> & AsyncDisposable {
    const request = checkStream(options, this.#view);
    const signal = this.#instance.endOf(request.signal);
    const source: LogSource = {
      ...this.#source,
      read: async (query) => {
        const page = this.#instance.use().read(query);
        this.#instance.counts.received += page.events.length;
        return page;
      },
    };
    return contracted(createEventStream(source, { ...request, signal }));
  }

  async history<K extends EventName<C> = EventName<C>>(
    options?: HistoryOptions<K>,
  ): Promise<QueueEvent<C, K>[]> {
    const { eventTypes, since, until, after, limit } = checkHistory(options, this.#view);
    const found: StoredEvent[] = [];
    for (const record of this.#instance.use().after(after)) {
      if (found.length === limit) break;
      if (eventTypes !== undefined && !eventTypes.includes(record.type)) continue;
      if (since !== undefined && record.storedAt < since) continue;
      if (until !== undefined && record.storedAt >= until) continue;
      found.push(toStoredEvent(record));
    }
    return contracted(found);
  }

  async stats(): Promise<QueueStats> {
    const log = this.#instance.use();
    return {
      events: log.size,
      oldestPosition: log.size === 0 ? undefined : log.newest - log.size + 1,
      newestPosition: log.size === 0 ? undefined : log.newest,
      delayed: log.delayed,
      groups: log.groups.size,
      deadLetters: log.deadLetters.length,
      ...this.#instance.counts,
      dropped: Object.fromEntries(this.#instance.dropped),
    };
  }

  async health(): Promise<QueueHealth> {
    const { size, newest } = this.#instance.use();
    return { ok: true, problems: [], backend: "memory", details: { events: size, newest } };
  }

  close(): Promise<void> {
    return this.#instance.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #append(records: Parameters<MemoryLog["append"]>[0]): Promise<StoredEvent[]> {
    const passing = this.#gate.pass(records.length);
    if (passing !== undefined) await passing;
    const { counts } = this.#instance;
    const events = this.#instance.use().append(records);
    for (const { duplicate } of events) {
      if (duplicate === true) counts.duplicates += 1;
      else counts.sent += 1;
    }
    return events;
  }
}

/**
 * The log holds JSON of whoever wrote it. That it is what `C` says is agreed between the programs that share
 * the log; no backend can prove it.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- one place for the one cast
function contracted<T>(value: unknown): T {
  // The cast is safe: see above.
  return value as T;
}
