import type { EventBus, PayloadFor, Publishable } from "@ringrift/core-bus";
import { currentEvent, type EventName, runDetached, runWithEvent } from "@ringrift/envelope";
import type { EventQueue, OptionsFirst, QueueHealth } from "@ringrift/event-queue";
import { type AnyCatalogue, validateMappings } from "@ringrift/mappings";
import type { StageEventBus } from "@ringrift/stage-events";
import type { BusMark } from "../carrying/bus-marks.ts";
import { checkPublishOptions, checkStopOptions } from "../options/check-options.ts";
import { type CoordinatorStats, Counters, type Direction } from "../carrying/counters.ts";
import { Deadline, settledOrAborted, within } from "../host/deadline.ts";
import { createEmitters } from "./emitters.ts";
import { CoordinatorError } from "../errors.ts";
import { notStarted, shown, spooled } from "./health.ts";
import type {
  CoordinatorOptions,
  CoordinatorStopResult,
  DurablePublishOptions,
  Emitters,
  PublishReceipt,
  QueueTypesOf,
  StagesOf,
  StopOptions,
  TopicsOf,
} from "../options/options.ts";
import { Outbound } from "../outbound/outbound.ts";
import { OwnEvents } from "../outbound/own-events.ts";
import type { Parts } from "../options/endpoints.ts";
import { DurablePublisher } from "../outbound/durable-publisher.ts";
import { Reading } from "../inbound/reading.ts";
import { reporter } from "../host/report.ts";
import { RedeliveryLink } from "../inbound/redelivery-link.ts";
import { StageBridge } from "../outbound/stage-bridge.ts";
import { Stopping } from "./stopping.ts";
import { UnknownTypes } from "../inbound/unknown-types.ts";
import { UnmappedTopics } from "../outbound/unmapped.ts";
import type { HandleOptions } from "../work/handle-options.ts";
import { Work, type WorkHandler } from "../work/work.ts";

const LONGEST_TIMER_MS = 2_147_483_647;

/** What a spool holds unless told otherwise: a flood of small events takes some 50 MB then. */
const SPOOL_LIMIT = 10_000;

type State = "new" | "starting" | "running" | "stopping" | "stopped" | "closed";

/**
 * Joins a stage bus, a topic bus and a durable queue: an event published on one goes on to the others
 * and to every other process, under each bus's own name for it, with one id. See `createCoordinator`.
 */
export class EventCoordinator<Cat extends AnyCatalogue> implements AsyncDisposable {
  readonly catalogue: Cat;
  /** The topic bus: subscribe here to be told, in every process. */
  readonly bus: EventBus<TopicsOf<Cat>>;
  /** The stage bus. */
  readonly stages: StageEventBus<StagesOf<Cat>>;
  /** The durable queue. */
  readonly queue: EventQueue<QueueTypesOf<Cat>>;
  /** One durable publish a topic, by name: `emitters.trainingCompleted(payload)`. */
  readonly emitters: Emitters<TopicsOf<Cat>>;
  /** The name of this node, if it has one. */
  readonly node: string | undefined;

  readonly #parts: Parts;
  readonly #options: CoordinatorOptions<Cat>;
  readonly #onError: (error: unknown) => void;
  readonly #counters = new Counters();
  readonly #own = new OwnEvents();
  readonly #outbound: Outbound;
  readonly #durable: DurablePublisher;
  readonly #stageBridge: StageBridge;
  readonly #unmapped: UnmappedTopics;
  readonly #unknown: UnknownTypes;
  readonly #work: Work;
  readonly #link: RedeliveryLink;
  /** Ends the watch on dead letters. */
  readonly #unwatch: (() => void) | undefined;
  #reading: Reading | undefined;
  #state: State = "new";
  /** Whether what waits in the spool will be stored: it was started, or is about to be. */
  #isStartAsked = false;
  #since: number | undefined;
  /** What a stop says that finds nothing to stop. */
  #lastStop: CoordinatorStopResult = { drained: true, left: 0 };
  /** The stop that was asked for, as long as it isn't over and nothing else was asked for since. */
  #stopping: Stopping | undefined;
  /** A close was asked for; resolves to the handlers that were left on its own buses. */
  #closing: Promise<number> | undefined;
  /** Keeps the process alive while it is started. */
  #keepAlive: NodeJS.Timeout | undefined;
  #isRef = true;
  /** Starts and stops run one after another, in the order they were asked for. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @internal Made by `createCoordinator`. */
  constructor(parts: Parts, options: CoordinatorOptions<Cat>) {
    this.#parts = parts;
    this.#options = options;
    this.#onError = reporter(options.onError);
    const { catalogue, bus, stages, queue } = parts;
    // Made of this catalogue, or given as fitting to it: the parts know their names by it.
    this.catalogue = catalogue as Cat;
    this.bus = bus as unknown as EventBus<TopicsOf<Cat>>;
    this.stages = stages as unknown as StageEventBus<StagesOf<Cat>>;
    this.queue = queue as unknown as EventQueue<QueueTypesOf<Cat>>;
    this.node = options.node;
    const counters = this.#counters;
    this.#outbound = new Outbound({
      bus,
      queue,
      catalogue,
      counters,
      node: options.node,
      own: this.#own,
      spoolLimit: options.spoolLimit ?? SPOOL_LIMIT,
      onError: this.#onError,
    });
    this.#durable = new DurablePublisher({
      bus,
      queue,
      catalogue,
      counters,
      node: options.node,
      own: this.#own,
      outbound: this.#outbound,
    });
    this.#link = new RedeliveryLink(parts, options.node);
    this.#stageBridge = new StageBridge({ stages, bus, catalogue, counters });
    this.#unmapped = new UnmappedTopics({ bus, catalogue, counters });
    this.#unknown = new UnknownTypes(catalogue);
    const { node, onDeadLetter } = options;
    this.#work = new Work({ queue, catalogue, node, counters, onError: this.#onError });
    if (onDeadLetter !== undefined) this.#unwatch = queue.deadLetters.onLetter(onDeadLetter);
    this.emitters = createEmitters(catalogue, (topic, payload, more) =>
      this.#publish(topic, payload, more),
    );
    if (this.#bridges("topicToQueue")) {
      this.#outbound.attach();
      this.#unmapped.attach();
    }
    if (this.#bridges("stageToTopic")) this.#stageBridge.attach();
  }

  /** Whether events flow. */
  get running(): boolean {
    return this.#state === "running";
  }

  /**
   * Checks the catalogue, claims the node's name, fixes where it reads, stores what was published before, and lets events
   * flow. Resolves when all of that holds, or the queue refuses to store for now. Idempotent. A started coordinator keeps
   * the process alive.
   *
   * @throws CoordinatorError `INVALID_CATALOGUE`, `NODE_NAME_TAKEN`, `COORDINATOR_CLOSED`, or the queue's error
   */
  async start(): Promise<void> {
    if (this.#closing) throw closed("start");
    // A stop that is asked for after this one is another one.
    this.#stopping = undefined;
    this.#isStartAsked = true;
    // Also when a stop that was cut short has not told the queue yet.
    if (this.#outbound.isShut) this.#outbound.prepare();
    await this.#inTurn(async () => {
      if (this.#state === "running") return;
      const before = this.#state;
      this.#state = "starting";
      this.#outbound.prepare();
      try {
        await this.#begin();
      } catch (error) {
        // What began before the failure ends again: above all the claim of the name.
        await this.#takeBack(before);
        throw error;
      }
      this.#state = "running";
      this.#since = Date.now();
    });
  }

  /**
   * Publishes durably: resolves once the event is stored and its local handlers have settled, and
   * rejects, with no local handler called, when it could not be stored.
   *
   * @throws CoordinatorError `NOT_STARTED`, `UNKNOWN_TOPIC`, `LOCAL_TOPIC`, `INVALID_OPTION`,
   * `METADATA_NOT_JSON`, or the queue's error
   * @example
   * const { id, position } = await events.publish("order.placed", { id: "A-1", cents: 1999 });
   */
  publish<K extends EventName<TopicsOf<Cat>>>(
    topic: K,
    payload: TopicsOf<Cat>[K],
    options?: DurablePublishOptions,
  ): Promise<PublishReceipt>;
  publish<const S extends string>(
    topic: Publishable<TopicsOf<Cat>, S>,
    payload: PayloadFor<TopicsOf<Cat>, S>,
    options?: DurablePublishOptions,
  ): Promise<PublishReceipt>;
  publish(
    topic: string,
    payload: unknown,
    options?: DurablePublishOptions,
  ): Promise<PublishReceipt> {
    return this.#publish(topic, payload, options);
  }

  /**
   * Has work done: each event of the topics is worked on by one process of the group, again when it
   * fails or dies, and set aside as a dead letter after `maxAttempts`. Handlers of one group in one
   * process are registered before `start()`.
   *
   * @throws CoordinatorError `UNKNOWN_TOPIC`, `LOCAL_TOPIC`, `HANDLE_CONFLICT`, `INVALID_OPTION`
   */
  handle(
    topic: EventName<TopicsOf<Cat>> | readonly EventName<TopicsOf<Cat>>[],
    alone: 'Three arguments are needed: handle(topic, { group: "mailer" }, handler)',
  ): void;
  handle<K extends EventName<TopicsOf<Cat>>>(
    topic: K | readonly K[],
    options: OptionsFirst & HandleOptions,
    handler: WorkHandler<TopicsOf<Cat>, K>,
  ): void;
  handle(
    topic: string | readonly string[],
    options: HandleOptions | string,
    handler?: unknown,
  ): void {
    if (this.#closing) throw closed("handle");
    const topics: readonly string[] = Array.isArray(topic) ? topic : [topic as string];
    // The group delivers exactly these topics' events.
    this.#work.add(topics, options as HandleOptions, handler as WorkHandler);
  }

  /**
   * Waits until every event published so far is stored or has been given up.
   *
   * @throws CoordinatorError (rejects) `INVALID_OPTION`; `NOT_STARTED` while events wait for the first start
   */
  async flush(options: StopOptions = {}): Promise<void> {
    checkStopOptions("flush", options);
    if (!this.#isStartAsked && this.#outbound.spooled > 0) {
      throw new CoordinatorError(
        "NOT_STARTED",
        `${this.#outbound.spooled} event(s) wait to be stored until start() is called. Start the coordinator, then flush.`,
      );
    }
    const deadline = new Deadline(options.timeoutMs);
    try {
      await this.#outbound.flush(deadline.signal);
    } finally {
      deadline.clear();
    }
  }

  /**
   * Takes no new event, waits for running handlers and for what is not stored yet, and lets go of the
   * node's name. `start()` goes on where a named node stopped, and brings nothing again of what is handled. Idempotent; a
   * second call with a shorter limit cuts the first one short, and both say what was left. Handlers that await it aren't
   * waited for.
   *
   * @throws CoordinatorError (rejects) `INVALID_OPTION`
   */
  async stop(options: StopOptions = {}): Promise<CoordinatorStopResult> {
    checkStopOptions("stop", options);
    // Its buses are being closed, and may wait for a handler that asks.
    if (this.#state === "closed") return this.#lastStop;
    return this.#awaitStop(this.#askForStop(options.timeoutMs), options.timeoutMs);
  }

  /**
   * Stops, then closes what the coordinator made itself: its buses, then its queue. Idempotent. The limit
   * is for all of it; when it is over, what hangs goes on by itself. Without a start before, what waits for it is `left`.
   *
   * @throws CoordinatorError (rejects) `INVALID_OPTION`
   */
  async close(options: StopOptions = {}): Promise<CoordinatorStopResult> {
    checkStopOptions("close", options);
    const { timeoutMs } = options;
    if (this.#state === "closed" && currentEvent() !== undefined) return this.#lastStop;
    const stopping = this.#askForStop(timeoutMs);
    this.#closing ??= this.#inTurn(() => this.#end(stopping));
    const deadline = new Deadline(timeoutMs);
    try {
      const stopped = await this.#awaitStop(stopping, timeoutMs);
      // A queue of its own waits for handlers that others gave to it, or a step before doesn't end.
      const running = await within(deadline, this.#closing, () => () => 1);
      const left = Math.max(stopped.left, running);
      return { drained: stopped.drained && left === 0, left };
    } finally {
      deadline.clear();
    }
  }

  /** Lets the process end while the coordinator is started, as with `net.Server`. */
  unref(): this {
    this.#isRef = false;
    this.#keepAlive?.unref();
    return this;
  }

  /** Takes `unref()` back. */
  ref(): this {
    this.#isRef = true;
    this.#keepAlive?.ref();
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => undefined);
  }

  /** What was forwarded, dropped and handled so far. */
  stats(): CoordinatorStats {
    const { handled, deadLettered } = this.#work.totals();
    return {
      forwarded: { ...this.#counters.forwarded },
      dropped: { ...this.#counters.dropped },
      own: this.#counters.own,
      deadLetters: deadLettered,
      handled,
      spooled: this.#outbound.spooled,
      running: this.running,
      since: this.#since,
    };
  }

  /** Whether events flow and the queue can do its work; `problems` says what to do. */
  async health(): Promise<QueueHealth> {
    const health = await this.#parts.queue.health();
    const node = this.node ?? "this node";
    const problems = [...health.problems];
    if (!this.running) problems.push(notStarted(node));
    problems.push(...[this.#reading, this.#work, this.#link].flatMap((p) => p?.problems() ?? []));
    const waiting = this.#outbound.spooled;
    if (waiting > 0) problems.push(spooled(node, waiting));
    const ok = problems.every(({ severity }) => severity !== "error");
    return { ...health, ok, problems: problems.map(shown) };
  }

  async #begin(): Promise<void> {
    const { catalogue, bus, queue } = this.#parts;
    const problems = validateMappings(catalogue);
    if (problems.length > 0) {
      throw new CoordinatorError(
        "INVALID_CATALOGUE",
        `The catalogue has ${problems.length} problem(s): ${problems.map((problem) => problem.message).join(" ")}`,
      );
    }
    this.#keepAlive = runDetached(() => setInterval(() => undefined, LONGEST_TIMER_MS));
    if (!this.#isRef) this.#keepAlive.unref();
    await this.#work.ensure();
    await this.#link.attach(this.#bridges("queueToTopic"));
    if (this.#bridges("queueToTopic")) {
      this.#reading = await Reading.open({
        bus,
        queue,
        catalogue,
        node: this.node,
        catchUp: this.#options.catchUp,
        counters: this.#counters,
        outbound: this.#outbound,
        own: this.#own,
        unknown: this.#unknown,
        onError: this.#onError,
      });
    }
    // Handlers that begin now may publish.
    const stored = this.#outbound.open();
    this.#work.start();
    this.#reading?.start();
    await stored;
  }

  /** Ends what a start has begun that failed. */
  async #takeBack(before: State): Promise<void> {
    this.#outbound.takeBack();
    await Promise.all([this.#reading?.stop(), this.#work.stop()]);
    await this.#leave(undefined);
    this.#state = before;
    this.#isStartAsked = false;
  }

  /** The stop that is under way, or a new one; whoever calls this waits for it. */
  #askForStop(timeoutMs: number | undefined): Stopping {
    const asked = this.#stopping;
    const stopping = asked ?? new Stopping((id) => this.#own.causeOf(id));
    stopping.join(timeoutMs);
    if (asked) return asked;
    this.#stopping = stopping;
    stopping.done = this.#inTurn(() => this.#stop(stopping)).finally(() => {
      stopping.deadline.clear();
      if (this.#stopping === stopping) this.#stopping = undefined;
    });
    // Those who wait for it are told of what it fails with; they may have gone by then.
    stopping.done.catch((error: unknown) => {
      if (stopping.deadline.signal.aborted) this.#onError(error);
    });
    return stopping;
  }

  async #awaitStop(
    stopping: Stopping,
    timeoutMs: number | undefined,
  ): Promise<CoordinatorStopResult> {
    const deadline = new Deadline(timeoutMs);
    try {
      return await within(deadline, stopping.done, () => {
        const { size } = this.#unfinished(stopping);
        // What hangs without saying why counts as one.
        const left = Math.max(1, size + this.#work.running);
        return () => stopping.result ?? { drained: false, left };
      });
    } finally {
      deadline.clear();
    }
  }

  async #stop(stopping: Stopping): Promise<CoordinatorStopResult> {
    if (this.#state === "running") {
      this.#state = "stopping";
      try {
        this.#lastStop = await this.#windUp(stopping);
      } finally {
        this.#state = "stopped";
      }
    }
    return this.#lastStop;
  }

  async #windUp(stopping: Stopping): Promise<CoordinatorStopResult> {
    const { signal } = stopping.deadline;
    stopping.whenInside((insider) => {
      this.#own.changed.ring();
      void runWithEvent(insider, () => this.#stopConsumers());
    });
    await settledOrAborted([this.#drain(stopping)], signal);
    const unfinished = this.#unfinished(stopping);
    for (const id of this.#outbound.shut()) unfinished.add(id);
    const hurried = signal.aborted ? await this.#stopConsumers(0) : 0;
    const left = unfinished.size + hurried;
    // An event of this bus that was left comes again; the others don't.
    await this.#leave(this.#own.mark(this.bus.id, stopping.excuses));
    stopping.result = { drained: left === 0, left };
    return stopping.result;
  }

  /** Handlers may publish until their end, so the way out stays open longest. */
  async #drain({ excuses, deadline: { signal } }: Stopping): Promise<void> {
    await this.#stopConsumers();
    // What held it up beyond its limit may end after the next start, whose way out stays open.
    if (signal.aborted) return;
    this.#outbound.finish();
    await this.#own.settled(excuses, signal);
    await this.#outbound.flush(signal);
  }

  /** Resolves to the handlers of work that were left. */
  async #stopConsumers(timeoutMs?: number): Promise<number> {
    const [, left] = await Promise.all([
      this.#reading?.stop(timeoutMs),
      this.#work.stop(timeoutMs),
    ]);
    return left;
  }

  /** Events whose handlers on the bus are running, and events that are not stored: each once. */
  #unfinished({ excuses }: Stopping): Set<string> {
    const unsettled = [...(this.#reading?.unsettled() ?? []), ...this.#own.unsettled()];
    return new Set([...unsettled.filter((id) => !excuses(id)), ...this.#outbound.unstored()]);
  }

  async #leave(mark: BusMark | undefined): Promise<void> {
    await this.#reading?.leave(mark);
    this.#reading = undefined;
    clearInterval(this.#keepAlive);
  }

  /** Resolves to the handlers that were left on its own buses. */
  async #end(stopping: Stopping): Promise<number> {
    // What waits for a start that never comes.
    const { length: left } = this.#outbound.isShut ? [] : this.#outbound.shut();
    if (left > 0) this.#lastStop = { drained: false, left };
    this.#state = "closed";
    this.#unwatch?.();
    this.#stageBridge.detach();
    this.#outbound.detach();
    this.#unmapped.detach();
    const { insider, deadline } = stopping;
    try {
      if (insider === undefined) return left + (await this.#parts.closeOwn(deadline));
      // A bus waits for none of its handlers when one of them closes it.
      await runWithEvent(insider, () => this.#parts.closeOwn(deadline));
      return left;
    } finally {
      this.#link.detach();
    }
  }

  async #publish(
    topic: string,
    payload: unknown,
    options: DurablePublishOptions = {},
  ): Promise<PublishReceipt> {
    checkPublishOptions(options);
    if (this.#state === "closed") throw closed("publish");
    // Handlers of work may begin before the start is over.
    if (this.#state !== "running" && this.#state !== "stopping" && !this.#outbound.isOpen) {
      const when = this.#state === "stopped" ? "after stop()" : "before start()";
      throw new CoordinatorError(
        "NOT_STARTED",
        `"${topic}" was published ${when}. Await start() first, so that the event is bridged.`,
      );
    }
    return this.#durable.publish(topic, payload, options);
  }

  #bridges(direction: Direction): boolean {
    return this.#options.bridges?.[direction] ?? true;
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    // A step is no part of the handling in which it was asked for.
    const result = this.#turn.then(() => runDetached(step));
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

function closed(call: string): CoordinatorError {
  return new CoordinatorError(
    "COORDINATOR_CLOSED",
    `${call}() was called on a closed coordinator. Make a new one with createCoordinator().`,
  );
}
