import type { AnyContracts, Contracts, EventName, EventView, StartFrom } from "@ringrift/envelope";
import {
  type ConsumeOptions,
  type Consumer,
  type ConsumerGroup,
  type ConsumerMiddleware,
  type DeadLetters,
  type EventHandler,
  type EventHandlers,
  type EventQueue,
  type GroupPolicy,
  type GroupReceiveOptions,
  type Groups,
  type HistoryOptions,
  type LeasedEvent,
  type OutgoingEvent,
  type QueueEvent,
  type QueueHealth,
  type QueueStats,
  type ReceiveOptions,
  type SendOptions,
  type StoredEvent,
  type StreamOptions,
} from "@ringrift/event-queue";
import {
  BacklogGate,
  checkGroupName,
  checkGroupPolicy,
  checkHistory,
  checkReceive,
  checkStream,
  createEventStream,
  InstanceReader,
  type LogSource,
  type OutgoingChecks,
  type OutgoingRecord,
  prepareEvent,
  prepareEvents,
  splitConsume,
  splitReceive,
} from "@ringrift/event-queue/backend";
import { NatsDeadLetters, NatsGroups } from "./administration.ts";
import { NatsConsumerGroup } from "./consumer-group.ts";
import { furthestBehind } from "./group-info.ts";
import { queueHealth, queueStats } from "./health.ts";
import { QueueInstance } from "./instance.ts";
import { checkOptions, type NatsQueueOptions } from "./options.ts";

/**
 * A durable event queue on NATS JetStream, shared by the processes of many machines. See {@link EventQueue} for
 * what every call promises. Made by `openNatsQueue`, which connects first; made by its constructor it connects
 * on first use.
 */
export class NatsEventQueue<C extends Contracts = AnyContracts> implements EventQueue<C> {
  readonly deadLetters: DeadLetters;
  readonly groups: Groups;
  readonly #instance: QueueInstance;
  readonly #view: EventView<Contracts> | undefined;
  readonly #checks: OutgoingChecks;
  readonly #source: LogSource;
  readonly #reader: InstanceReader;
  readonly #gate: BacklogGate;
  /** Streams that begin "now": what is sent after the call comes after it in the log. */
  readonly #starting = new Set<Promise<unknown>>();

  /** @throws QueueError `INVALID_OPTION` */
  constructor(given: NatsQueueOptions<C>) {
    const options = checkOptions(given);
    const instance = new QueueInstance(options);
    this.#instance = instance;
    this.#view = options.view;
    this.#checks = { view: options.view, maxBytes: options.maxPayloadBytes };
    this.deadLetters = new NatsDeadLetters(instance);
    this.groups = new NatsGroups(instance);
    this.#source = {
      bell: instance.bell,
      resolve: (from) => this.#resolve(from),
      read: (query) =>
        instance.use(async ({ log }) => {
          const page = await log.read(query);
          instance.counts.received += page.events.length;
          return page;
        }),
    };
    this.#reader = new InstanceReader(this.#source);
    this.#gate = new BacklogGate(options.backlog, () => instance.use(furthestBehind));
  }

  /**
   * Connects, and makes or checks the streams; every other call does so too.
   *
   * @throws QueueError (rejects) see `openNatsQueue`
   */
  async connect(): Promise<void> {
    await this.#instance.use(async () => {});
  }

  async send<K extends EventName<C>>(
    type: K,
    payload: C[K],
    options?: SendOptions,
  ): Promise<QueueEvent<C, K>> {
    const record = prepareEvent(type, payload, this.#withSource(options), this.#checks);
    const [event] = await this.#append([record]);
    return contracted(event);
  }

  async sendMany(events: readonly OutgoingEvent<C>[]): Promise<QueueEvent<C>[]> {
    const records = prepareEvents(
      Array.isArray(events) ? events.map((event) => this.#withSource(event)) : events,
      this.#checks,
    );
    return contracted(await this.#append(records));
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
    if (group !== undefined) {
      const split = splitReceive({ ...rest, group });
      return this.group<K>(split.group, split.policy).receive(split.receive);
    }
    const request = checkReceive(rest, this.#view);
    if (request.waitMs > 0) await this.#instance.use(({ tail }) => tail.listen());
    return contracted(await this.#reader.receive(request));
  }

  group<K extends EventName<C> = EventName<C>>(
    name: string,
    policy?: GroupPolicy<C, K>,
  ): ConsumerGroup<C, K> {
    return contracted(
      new NatsConsumerGroup(
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
    const stream = createEventStream(this.#source, { ...request, signal });
    // When it fails, so does the first read of the stream.
    this.#instance.use(({ tail }) => tail.listen()).catch(() => {});
    return contracted(stream);
  }

  async history<K extends EventName<C> = EventName<C>>(
    options?: HistoryOptions<K>,
  ): Promise<QueueEvent<C, K>[]> {
    const request = checkHistory(options, this.#view);
    return contracted(await this.#instance.use(({ log }) => log.history(request)));
  }

  stats(): Promise<QueueStats> {
    return queueStats(this.#instance);
  }

  health(): Promise<QueueHealth> {
    return queueHealth(this.#instance);
  }

  close(): Promise<void> {
    return this.#instance.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #append(records: readonly OutgoingRecord[]): Promise<StoredEvent[]> {
    if (records.length === 0) return [];
    const passing = this.#gate.pass(records.length);
    if (passing !== undefined) await passing;
    if (this.#starting.size > 0) await Promise.allSettled(this.#starting);
    const events = await this.#instance.use(async ({ publisher, admission }) => {
      const stored = await publisher.append(records);
      const due = stored.flatMap(({ dueAt, duplicate }) => (duplicate ? [] : (dueAt ?? [])));
      if (due.length > 0) admission.announce(Math.min(...due));
      return stored;
    });
    const { counts } = this.#instance;
    for (const { duplicate } of events) counts[duplicate === true ? "duplicates" : "sent"] += 1;
    return events;
  }

  #resolve(from: StartFrom): Promise<number> {
    const start = this.#instance.use(({ log }) => log.startAfter(from));
    if (from === "now") {
      this.#starting.add(start);
      const forget = (): unknown => this.#starting.delete(start);
      start.then(forget, forget);
    }
    return start;
  }

  /** An event of a bridge has a source already. */
  #withSource<T extends SendOptions>(options: T | undefined): T | SendOptions | undefined {
    const { source } = this.#instance.options;
    if (source === undefined || typeof (options ?? {}) !== "object") return options;
    return options?.lineage === undefined ? { source, ...options } : options;
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
