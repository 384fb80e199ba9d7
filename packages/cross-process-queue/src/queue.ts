import type { AnyContracts, Contracts, EventName, EventView } from "@ringrift/envelope";
import {
  type ConsumeOptions,
  type Consumer,
  type ConsumerGroup,
  type ConsumerMiddleware,
  type DeadLetters,
  type EventHandler,
  type EventHandlers,
  type GroupPolicy,
  type GroupReceiveOptions,
  type Groups,
  type HistoryOptions,
  type LeasedEvent,
  type OutgoingEvent,
  QueueError,
  type QueueEvent,
  type QueueHealth,
  type QueueStats,
  type ReceiveOptions,
  type SendOptions,
  type StoredEvent,
  type StreamOptions,
  type Synchronous,
  type TransactionalQueue,
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
import { SqliteDeadLetters, SqliteGroups } from "./administration.ts";
import { type Appended, appendedEvent, prepareRow } from "./appending.ts";
import { SqliteConsumerGroup } from "./consumer-group.ts";
import type { QueueBackup } from "./backup.ts";
import { queueHealth, queueStats } from "./health.ts";
import type { TransactionDatabase } from "./driver.ts";
import { QueueInstance } from "./instance.ts";
import { checkQueueOptions, type CrossProcessQueueOptions, type QueueLocation } from "./options.ts";
import { type Append, runInTransaction, type SqliteTransaction } from "./transactions.ts";

/**
 * A durable event queue in one SQLite file, shared by the processes and worker threads of one machine. See
 * {@link TransactionalQueue} for what every call promises.
 *
 * Constructing it does no I/O; the first call opens the file, and makes it (0600, in a folder 0700) if need
 * be. It never blocks the event loop for a lock: while another process holds it, calls try again for up to
 * 10 seconds and then reject with `QUEUE_BUSY`. One instance a process is enough, more do no harm.
 *
 * @example
 * const queue = new CrossProcessEventQueue("data/events.db");
 * await queue.send("TRAINING_COMPLETED", { configKey: "hex7_2p" });
 * (await queue.receive({ eventTypes: ["TRAINING_COMPLETED"] }))[0].payload // { configKey: "hex7_2p" }
 */
export class CrossProcessEventQueue<
  C extends Contracts = AnyContracts,
> implements TransactionalQueue<C, TransactionDatabase> {
  readonly deadLetters: DeadLetters;
  readonly groups: Groups;
  readonly #instance: QueueInstance;
  readonly #view: EventView<Contracts> | undefined;
  readonly #checks: OutgoingChecks;
  readonly #defaultSource: string | undefined;
  readonly #source: LogSource;
  readonly #reader: InstanceReader;
  readonly #gate: BacklogGate;

  /** @throws QueueError `INVALID_PATH`, `INVALID_OPTION` */
  constructor(path: string, options?: CrossProcessQueueOptions<C>);
  constructor(options: CrossProcessQueueOptions<C> & QueueLocation);
  constructor(
    where: string | (CrossProcessQueueOptions<C> & QueueLocation),
    more?: CrossProcessQueueOptions<C>,
  ) {
    const options = checkQueueOptions(where, more);
    const instance = new QueueInstance(options);
    this.#instance = instance;
    this.#view = options.view;
    this.#checks = { view: options.view, maxBytes: options.maxPayloadBytes };
    this.#defaultSource = options.source;
    this.#gate = new BacklogGate(options.backlog, (enough) =>
      instance.read(({ groups }) => groups.furthestBehind(enough)),
    );
    this.deadLetters = new SqliteDeadLetters(instance);
    this.groups = new SqliteGroups(instance);
    this.#source = {
      bell: instance.bell,
      resolve: (from) => instance.read(({ log }) => log.startAfter(from)),
      read: async (query) => {
        const page = await instance.read(({ log }) => log.read(query));
        instance.counts.received += page.events.length;
        return page;
      },
    };
    this.#reader = new InstanceReader(this.#source);
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
    if (request.waitMs > 0) await this.#instance.listen();
    return contracted(await this.#reader.receive(request));
  }

  group<K extends EventName<C> = EventName<C>>(
    name: string,
    policy?: GroupPolicy<C, K>,
  ): ConsumerGroup<C, K> {
    return contracted(
      new SqliteConsumerGroup(
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

  async transaction<R>(
    run: (transaction: SqliteTransaction<C>) => R,
    ..._refused: Synchronous<R>
  ): Promise<R> {
    const passing = this.#gate.pass(1);
    if (passing !== undefined) await passing;
    return runInTransaction(this.#instance, this.#appendNow, (transaction) =>
      run(contracted(transaction)),
    );
  }

  consumeInTransaction<R, K extends EventName<C> = EventName<C>>(
    options: ConsumeOptions<C, K>,
    handler: (event: QueueEvent<C, K>, transaction: SqliteTransaction<C>) => R,
    ..._refused: Synchronous<R>
  ): Consumer {
    const { group, policy, member } = splitConsume(options);
    const reader = new SqliteConsumerGroup(
      checkGroupName(group),
      this.#instance,
      checkGroupPolicy(policy, this.#view),
      this.#view,
    );
    if (typeof handler !== "function") {
      throw new QueueError(
        "INVALID_OPTION",
        `Handler of group "${group}" is "${String(handler)}". Give a function (event, transaction) => ….`,
      );
    }
    return reader.consumeInTransaction(
      (event, transaction) => handler(contracted(event), contracted(transaction)),
      this.#appendNow,
      member,
    );
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
    this.#instance.listen().catch(() => {});
    return contracted(stream);
  }

  async history<K extends EventName<C> = EventName<C>>(
    options?: HistoryOptions<K>,
  ): Promise<QueueEvent<C, K>[]> {
    const request = checkHistory(options, this.#view);
    return contracted(await this.#instance.read(({ log }) => log.history(request)));
  }

  stats(): Promise<QueueStats> {
    return queueStats(this.#instance);
  }

  health(): Promise<QueueHealth> {
    return queueHealth(this.#instance);
  }

  /**
   * Copies the queue as it is now (events, groups, dead letters, and tables of yours in the same file) into a new
   * file, while this process and others go on. It is whole and on the disk when it appears; open it like any queue.
   * All that was sent before the call is in it.
   *
   * @throws QueueError (rejects) `INVALID_PATH` when the file exists, `CANNOT_OPEN`, `QUEUE_FULL`, `QUEUE_CLOSED`
   * @example await queue.backup("backups/events-monday.db") // { path, bytes, newestPosition }
   */
  backup(path: string): Promise<QueueBackup> {
    return this.#instance.backUp(path);
  }

  close(): Promise<void> {
    return this.#instance.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** An event of a bridge has a source already. */
  #withSource<T extends SendOptions>(options: T | undefined): T | SendOptions | undefined {
    const source = this.#defaultSource;
    if (source === undefined || typeof (options ?? {}) !== "object") return options;
    return options?.lineage === undefined ? { source, ...options } : options;
  }

  /** Appends an event in somebody's transaction. */
  readonly #appendNow: Append = ({ appender }, tx, [type, payload, options]) => {
    const record = prepareEvent(type, payload, this.#withSource(options), this.#checks);
    return appender.appendOne(tx, prepareRow(record));
  };

  async #append(records: readonly OutgoingRecord[]): Promise<StoredEvent[]> {
    if (records.length === 0) return [];
    const passing = this.#gate.pass(records.length);
    if (passing !== undefined) await passing;
    const events = records.map(prepareRow);
    const appended = await this.#instance.write(({ appender }, tx) => appender.append(tx, events), {
      deferred: true,
    });
    return appended.map((result) => this.#toEvent(result));
  }

  #toEvent(appended: Appended): StoredEvent {
    this.#instance.countSent(appended);
    return appendedEvent(appended);
  }
}

/**
 * The log holds JSON of whoever wrote it. That it is what `C` says is agreed between the programs that share
 * the file; no queue can prove it.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- one place for the one cast
function contracted<T>(value: unknown): T {
  // The cast is safe: see above.
  return value as T;
}
