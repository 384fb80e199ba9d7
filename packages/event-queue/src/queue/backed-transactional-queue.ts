import { AsyncLocalStorage } from "node:async_hooks";
import {
  type AnyContracts,
  type Child,
  type Contracts,
  currentEvent,
  type EventName,
  runWithEventSync,
} from "@ringrift/envelope";
import type { ConsumeOptions, Consumer, EventHandler, OptionsFirst } from "../contract/consumer.ts";
import type { SendOptions } from "../contract/event-queue.ts";
import { leaseLost } from "../consuming/delivery.ts";
import { QueueError } from "../failures/errors.ts";
import type { QueueEvent, StoredEvent } from "../contract/events.ts";
import { invalidOption, show } from "../checking/check-options.ts";
import { checkHandlerIsLast, splitConsume } from "../reading/requests.ts";
import type {
  QueueTransaction,
  TransactionalQueue,
  TransactionResult,
  TransactionStyle,
} from "../contract/transactional.ts";
import { BackedQueue } from "./backed-queue.ts";
import type { BackedQueueSettings } from "./backed-queue-options.ts";
import { contracted } from "../backend/contracted.ts";
import { GuardedLease } from "../backend/guarded-lease.ts";
import type { QueueInstance } from "../backend/queue-instance.ts";
import type {
  BackendTransaction,
  TransactionalBackend,
  TransactOptions,
} from "../backend/transactional-backend.ts";

/** The public API of a queue whose backend has transactions, on top of a `TransactionalBackend`. */
export class BackedTransactionalQueue<
  C extends Contracts = AnyContracts,
  Database = unknown,
  Style extends TransactionStyle = "synchronous",
>
  extends BackedQueue<C>
  implements TransactionalQueue<C, Database, Style>
{
  readonly #instance: QueueInstance<TransactionalBackend<Database>>;

  constructor(
    instance: QueueInstance<TransactionalBackend<Database>>,
    settings: BackedQueueSettings,
  ) {
    super(instance, settings);
    this.#instance = instance;
  }

  async transaction<R>(
    run: (transaction: QueueTransaction<C, Database, Style>) => TransactionResult<Style, R>,
  ): Promise<Awaited<R>> {
    const passing = this.admit(1);
    if (passing !== undefined) await passing;
    // The cast is safe: what isn't allowed to be a result can't be given.
    return this.#transact(run as (transaction: QueueTransaction<C, Database, Style>) => R);
  }

  consumeInTransaction<R, K extends EventName<C> = EventName<C>>(
    options: OptionsFirst & ConsumeOptions<C, K>,
    handler: (
      event: QueueEvent<C, K>,
      transaction: QueueTransaction<C, Database, Style>,
    ) => TransactionResult<Style, R>,
    ...surplus: never[]
  ): Consumer {
    checkHandlerIsLast("consumeInTransaction", options, surplus);
    const { group, policy, member } = splitConsume(options);
    if (typeof handler !== "function") {
      throw invalidOption(
        `Handler of group "${group}" is ${show(handler)}. Give a function (event, transaction) => ….`,
      );
    }
    const settle: EventHandler<C, K> = async (event) => {
      const lease = GuardedLease.of(event);
      if (lease === undefined) throw leaseLost(event);
      const settles = { id: event.id, lease: lease.inner };
      await this.#transact((transaction) => handler(event, transaction), { settles });
    };
    // Each effect has a commit of its own: there is nothing to share.
    const { prefetch = 0 } = member;
    return this.group<K>(group, policy).consume({ ...member, prefetch }, settle);
  }

  async #transact<R>(
    run: (transaction: QueueTransaction<C, Database, Style>) => R,
    options?: TransactOptions,
  ): Promise<Awaited<R>> {
    const cause = currentEvent();
    const inContext = AsyncLocalStorage.snapshot();
    const sent: StoredEvent[] = [];
    const children: Child[] = [];
    const undo = (): void => {
      sent.length = 0;
      for (const child of children.splice(0)) child.giveBack();
    };
    const prepare: BackedQueue["prepare"] = (...event) => {
      const record = this.prepare(...event);
      if (record.child !== undefined) children.push(record.child);
      return record;
    };
    const body = (transaction: BackendTransaction<Database>): R => {
      // It may run again, after all it did was undone.
      undo();
      const scope = new TransactionScope(transaction, sent, prepare);
      const call = (): R => run(contracted(scope));
      return scope.endAfter(() =>
        inContext(() => (cause === undefined ? call() : runWithEventSync(cause, call))),
      );
    };
    try {
      const result = await this.#instance.use((backend) => backend.transact(body, options));
      for (const event of sent) this.#instance.countSent(event);
      return result;
    } catch (error) {
      undo();
      this.#instance.countRefused(error);
      throw error;
    }
  }
}

/** What a callback works with, until it returns or its promise settles. */
class TransactionScope<Database> {
  readonly database: Database;
  readonly #transaction: BackendTransaction<Database>;
  readonly #sent: StoredEvent[];
  readonly #prepare: BackedQueue["prepare"];
  #isOver = false;

  constructor(
    transaction: BackendTransaction<Database>,
    sent: StoredEvent[],
    prepare: BackedQueue["prepare"],
  ) {
    this.database = transaction.database;
    this.#transaction = transaction;
    this.#sent = sent;
    this.#prepare = prepare;
  }

  send(type: string, payload: unknown, options?: SendOptions): StoredEvent | Promise<StoredEvent> {
    if (this.#isOver) {
      throw new QueueError(
        "TRANSACTION_ENDED",
        `Cannot send "${type}": the transaction is over. Use it only within its callback.`,
      );
    }
    const note = (event: StoredEvent): StoredEvent => {
      this.#sent.push(event);
      return event;
    };
    const event = this.#transaction.append(this.#prepare(type, payload, options));
    return event instanceof Promise ? event.then(note) : note(event);
  }

  endAfter<R>(call: () => R): R {
    const end = (): void => {
      this.#isOver = true;
    };
    let result: R;
    try {
      result = call();
    } catch (error) {
      end();
      throw error;
    }
    if (result instanceof Promise) void result.then(end, end);
    else end();
    return result;
  }
}
