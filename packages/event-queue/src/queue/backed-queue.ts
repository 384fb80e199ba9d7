import type { Sendable, SendablePayload } from "../contract/sendable.ts";
import type { AnyContracts, Contracts, EventName } from "@ringrift/envelope";
import { BacklogGate } from "../sending/backlog-gate.ts";
import type { ConsumerMiddleware } from "../contract/consumer-middleware.ts";
import type {
  ConsumeOptions,
  Consumer,
  EventHandler,
  EventHandlers,
  OptionsFirst,
} from "../contract/consumer.ts";
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
} from "../contract/event-queue.ts";
import type { DeadLetters } from "../contract/dead-letters.ts";
import { createEventStream } from "../reading/event-stream.ts";
import type { LeasedEvent, QueueEvent } from "../contract/events.ts";
import { checkGroupPolicy } from "../checking/group-policy.ts";
import type { GroupPolicy, Groups } from "../contract/groups.ts";
import { checkGroupName } from "../checking/names.ts";
import {
  type OutgoingChecks,
  type OutgoingRecord,
  prepareEvent,
  prepareEvents,
} from "../sending/outgoing.ts";
import { InstanceReader, type LogPage, type LogSource } from "../reading/instance-reader.ts";
import {
  checkHandlerIsLast,
  checkHistory,
  checkReceive,
  checkStream,
  splitConsume,
  splitReceive,
} from "../reading/requests.ts";
import { BackedDeadLetters } from "./backed-dead-letters.ts";
import { BackedGroup } from "./backed-group.ts";
import { BackedGroups } from "./backed-groups.ts";
import type { BackedQueueSettings } from "./backed-queue-options.ts";
import { contracted } from "../backend/contracted.ts";
import { queueHealth } from "./queue-health.ts";
import { BackedMigration, MIGRATION, type QueueMigration } from "../migration/queue-migration.ts";
import type { QueueInstance } from "../backend/queue-instance.ts";

/**
 * The public API of every queue, on top of a `QueueBackend`: it checks what it is given, gives lineage, holds senders
 * back, counts, waits, runs handlers, and opens and closes the backend.
 *
 * @example
 * class MyQueue<C extends Contracts> extends BackedQueue<C> {
 *   constructor(options: MyOptions<C>) {
 *     super(new QueueInstance({ name: "mine", claimsCommit: false, closeFlushes: false, open }), checkBackedQueueOptions(options));
 *   }
 * }
 */
export class BackedQueue<C extends Contracts = AnyContracts> implements EventQueue<C> {
  readonly deadLetters: DeadLetters;
  readonly groups: Groups;
  readonly #instance: QueueInstance;
  readonly #settings: BackedQueueSettings;
  readonly #checks: OutgoingChecks;
  readonly #source: LogSource;
  readonly #reader: InstanceReader;
  readonly #gate: BacklogGate;

  /** For tests of queues and of what is built on them: the instance behind a queue, to intercept or cut off. */
  static instanceOf(queue: object): QueueInstance | undefined {
    return #instance in queue ? queue.#instance : undefined;
  }

  constructor(instance: QueueInstance, settings: BackedQueueSettings) {
    this.#instance = instance;
    this.#settings = settings;
    const { view, maxPayloadBytes, source } = settings;
    this.#checks = { view, maxBytes: maxPayloadBytes, source };
    this.deadLetters = new BackedDeadLetters(instance);
    this.groups = new BackedGroups(instance);
    this.#gate = new BacklogGate(settings.backlog, (enough) =>
      instance.use(({ groups }) => groups.furthestBehind(enough)),
    );
    this.#source = {
      bell: instance.bell,
      resolve: (from) => instance.use((backend) => backend.startAfter(from)),
      read: (query) => instance.use((backend) => backend.read(query)),
    };
    this.#reader = new InstanceReader(this.#source);
    const { onDeadLetter, redactError } = settings;
    instance.redactError = redactError;
    if (onDeadLetter !== undefined) instance.deadLetterNotices.add(onDeadLetter);
  }

  send<K extends EventName<C>>(
    type: K,
    payload: C[K],
    options?: SendOptions,
  ): Promise<QueueEvent<C, K>>;
  send<const S extends string>(
    type: Sendable<C, S>,
    payload: SendablePayload<C, S>,
    options?: SendOptions,
  ): Promise<QueueEvent<C>>;
  async send(type: string, payload: unknown, options?: SendOptions): Promise<QueueEvent<C>> {
    const records = [this.prepare(type, payload, options)];
    try {
      const passing = this.admit(1);
      if (passing !== undefined) await passing;
      const [event] = await this.#instance.write((backend) => backend.append(records));
      if (event !== undefined) this.#instance.countSent(event);
      return contracted(event);
    } catch (error) {
      throw this.#notStored(records, error);
    }
  }

  async sendMany(events: readonly OutgoingEvent<C>[]): Promise<QueueEvent<C>[]> {
    const records = prepareEvents(events, this.#checks);
    if (records.length === 0) {
      this.#instance.refuseWhenClosed();
      return [];
    }
    try {
      const passing = this.admit(records.length);
      if (passing !== undefined) await passing;
      const events = await this.#instance.write((backend) => backend.append(records));
      for (const event of events) this.#instance.countSent(event);
      return contracted(events);
    } catch (error) {
      throw this.#notStored(records, error);
    }
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
    const request = checkReceive(rest, this.#settings.view);
    if (request.waitMs > 0) await this.#listen();
    const events = await this.#reader.receive(request);
    this.#instance.counts.received += events.length;
    return contracted(events);
  }

  group<K extends EventName<C> = EventName<C>>(
    name: string,
    policy?: GroupPolicy<C, K>,
  ): ConsumerGroup<C, K> {
    const { view } = this.#settings;
    const given = checkGroupPolicy(policy, view);
    return contracted(
      new BackedGroup({ name: checkGroupName(name), instance: this.#instance, given, view }),
    );
  }

  consume(alone: 'Two arguments are needed: consume({ group: "mailer" }, handler)'): Consumer;
  consume<K extends EventName<C> = EventName<C>>(
    options: OptionsFirst & ConsumeOptions<C, K>,
    handler: EventHandler<C, K> | EventHandlers<C>,
    ...surplus: never[]
  ): Consumer;
  consume<K extends EventName<C>>(
    options: ConsumeOptions<C, K> | string,
    handler?: EventHandler<C, K> | EventHandlers<C>,
    ...surplus: never[]
  ): Consumer {
    checkHandlerIsLast("consume", options, surplus);
    const { group, policy, member } = splitConsume(options as ConsumeOptions<C, K>);
    return this.group<K>(group, policy).consume(member, handler as EventHandler<C, K>);
  }

  use(middleware: ConsumerMiddleware<C>): () => void {
    return this.#instance.middlewares.add(contracted(middleware));
  }

  stream<K extends EventName<C> = EventName<C>>(
    options?: StreamOptions<K>,
  ): AsyncIterableIterator<QueueEvent<C, K>> & AsyncDisposable {
    const request = checkStream(options, this.#settings.view);
    const signal = this.#instance.endOf(request.signal);
    const read: LogSource["read"] = async (query) => this.#counted(await this.#source.read(query));
    const stream = createEventStream({ ...this.#source, read }, { ...request, signal });
    // When it fails, so does the first read of the stream.
    this.#listen().catch(() => {});
    return contracted(stream);
  }

  async history<K extends EventName<C> = EventName<C>>(
    options?: HistoryOptions<K>,
  ): Promise<QueueEvent<C, K>[]> {
    const request = checkHistory(options, this.#settings.view);
    return contracted(await this.#instance.use((backend) => backend.history(request)));
  }

  id(): Promise<string> {
    return this.#instance.use((backend) => backend.id());
  }

  async stats(): Promise<QueueStats> {
    const log = await this.#instance.use((backend) => backend.stats());
    const { counts, dropped } = this.#instance;
    return { ...log, ...counts, dropped: Object.fromEntries(dropped) };
  }

  health(): Promise<QueueHealth> {
    return queueHealth(this.#instance, this.#settings);
  }

  close(): Promise<void> {
    return this.#instance.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal For `migrateQueue`; not part of the contract. */
  [MIGRATION](): QueueMigration {
    return new BackedMigration(this.#instance, this.#checks);
  }

  /** Checks one event, and completes it as a `send` does. */
  protected prepare(type: string, payload: unknown, options?: SendOptions): OutgoingRecord {
    return prepareEvent({ type, payload, options }, this.#checks);
  }

  /** Lets so many events be stored: at once (`undefined`), or when senders are no longer held back. */
  protected admit(count: number): Promise<void> | undefined {
    return this.#gate.pass(count);
  }

  /** Notes that events were refused, as far as anybody knows. Gives the error back. */
  #notStored(records: readonly OutgoingRecord[], error: unknown): unknown {
    // Whoever tries again within the handler means the same event, also if it was stored and only the answer lost.
    for (const { child } of records) child?.giveBack();
    this.#instance.countRefused(error);
    return error;
  }

  #listen(): Promise<void> {
    return this.#instance.use((backend) => backend.listen());
  }

  #counted(page: LogPage): LogPage {
    this.#instance.counts.received += page.events.length;
    return page;
  }
}
