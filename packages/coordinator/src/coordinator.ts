import type { EventBus } from "@ringrift/core-bus";
import { currentEvent, type EventName, runDetached, runWithEvent } from "@ringrift/envelope";
import type { EventQueue, QueueHealth } from "@ringrift/event-queue";
import { type AnyCatalogue, validateMappings } from "@ringrift/mappings";
import type { StageEventBus } from "@ringrift/stage-events";
import { checkPublishOptions, checkStopOptions } from "./check-options.ts";
import { type CoordinatorStats, Counters, type Direction } from "./counters.ts";
import { Deadline, within } from "./deadline.ts";
import { createEmitters } from "./emitters.ts";
import { CoordinatorError } from "./errors.ts";
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
} from "./options.ts";
import { Outbound } from "./outbound.ts";
import type { Parts } from "./parts.ts";
import { publishDurably } from "./publisher.ts";
import { Reading } from "./reading.ts";
import { reporter } from "./report.ts";
import { RedeliveryLink } from "./redelivery-link.ts";
import { StageBridge } from "./stage-bridge.ts";
import { UnmappedTopics } from "./unmapped.ts";
import { type HandleOptions, Work, type WorkHandler } from "./work.ts";

const LONGEST_TIMER_MS = 2_147_483_647;

type State = "stopped" | "starting" | "running" | "stopping" | "closed";

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
  readonly #outbound: Outbound;
  readonly #stageBridge: StageBridge;
  readonly #unmapped: UnmappedTopics;
  readonly #work: Work;
  readonly #link: RedeliveryLink;
  #reading: Reading | undefined;
  #state: State = "stopped";
  #since: number | undefined;
  /** What a stop says that finds nothing to stop. */
  #lastStop: CoordinatorStopResult = { drained: true, left: 0 };
  /** Of the stop that is under way, and what it will say, once that is known. */
  #deadline: Deadline | undefined;
  #ending: CoordinatorStopResult | undefined;
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
      spoolLimit: options.spoolLimit ?? 1000,
      readsBack: this.#bridges("queueToTopic"),
      onError: this.#onError,
    });
    this.#link = new RedeliveryLink(parts, options.node);
    this.#stageBridge = new StageBridge({ stages, bus, catalogue, counters });
    this.#unmapped = new UnmappedTopics({ bus, catalogue, counters });
    this.#work = new Work({ queue, catalogue, node: options.node, onError: this.#onError });
    this.emitters = createEmitters(catalogue, (topic, payload, more) =>
      this.#publish(topic, payload, more),
    );
  }

  /** Whether events flow. */
  get running(): boolean {
    return this.#state === "running";
  }

  /**
   * Checks the catalogue, claims the node's name, fixes where it reads, and lets events flow. Resolves
   * when all of that holds. Idempotent. A started coordinator keeps the process alive.
   *
   * @throws CoordinatorError `INVALID_CATALOGUE`, `NODE_NAME_TAKEN`, `COORDINATOR_CLOSED`, or the queue's error
   */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#state === "running") return;
      if (this.#state === "closed") throw closed("start");
      this.#state = "starting";
      try {
        await this.#begin();
      } catch (error) {
        // What began before the failure ends again: above all the claim of the name.
        await this.#end(new Deadline(undefined));
        this.#state = "stopped";
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
  handle<K extends EventName<TopicsOf<Cat>>>(
    topic: K | readonly K[],
    options: HandleOptions,
    handler: WorkHandler<TopicsOf<Cat>, K>,
  ): void {
    if (this.#state === "closed") throw closed("handle");
    const topics = typeof topic === "string" ? [topic] : topic;
    // The group delivers exactly these topics' events.
    this.#work.add(topics, options, handler as unknown as WorkHandler);
  }

  /**
   * Waits until every event published so far is stored or has been given up.
   *
   * @throws CoordinatorError (rejects) `INVALID_OPTION`
   */
  async flush(options: StopOptions = {}): Promise<void> {
    checkStopOptions("flush", options);
    const deadline = new Deadline(options.timeoutMs);
    await this.#outbound.flush(deadline.signal);
    deadline.clear();
  }

  /**
   * Takes no new event, waits for running handlers and for what is not stored yet, and lets go of the
   * node's name. `start()` goes on where a named node stopped. Idempotent; a second call with a shorter
   * limit cuts the first one short, and both say what was left. A handler that awaits it isn't waited for.
   *
   * @throws CoordinatorError (rejects) `INVALID_OPTION`
   */
  async stop(options: StopOptions = {}): Promise<CoordinatorStopResult> {
    checkStopOptions("stop", options);
    const deadline = new Deadline(options.timeoutMs);
    try {
      return await this.#stop(deadline);
    } finally {
      deadline.clear();
    }
  }

  /**
   * Stops, then closes what the coordinator made itself: its buses, then its queue. Idempotent. The limit
   * is for all of it; when it is over, what hangs goes on by itself.
   *
   * @throws CoordinatorError (rejects) `INVALID_OPTION`
   */
  async close(options: StopOptions = {}): Promise<CoordinatorStopResult> {
    checkStopOptions("close", options);
    // A handler that closes its own coordinator is among those the bus still runs.
    const inside = currentEvent() !== undefined;
    const deadline = new Deadline(options.timeoutMs);
    try {
      const stopped = await this.#stop(deadline);
      const closed = this.#inTurn(async () => {
        if (this.#state === "closed") return 0;
        this.#state = "closed";
        return this.#parts.closeOwn(deadline);
      });
      // A queue of its own waits for handlers that others gave to it, or a step before doesn't end.
      const running = await within(deadline, closed, () => () => 1);
      const left = Math.max(stopped.left, inside ? 0 : running);
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
    const problems = [...health.problems];
    if (!this.running) problems.push("The coordinator is not started: call start().");
    problems.push(...[this.#reading, this.#work, this.#link].flatMap((p) => p?.problems() ?? []));
    const waiting = this.#outbound.spooled;
    if (waiting > 0)
      problems.push(`${waiting} events wait to be stored; see the queue's problems.`);
    return { ...health, ok: problems.length === 0, problems };
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
        onError: this.#onError,
      });
    }
    if (this.#bridges("topicToQueue")) {
      this.#outbound.attach();
      this.#unmapped.attach();
    }
    if (this.#bridges("stageToTopic")) this.#stageBridge.attach();
    this.#work.start();
    this.#reading?.start();
  }

  async #stop(deadline: Deadline): Promise<CoordinatorStopResult> {
    const { leftMs } = deadline;
    // After a stop that was asked for in this same turn.
    if (leftMs !== undefined) queueMicrotask(() => this.#hurry(leftMs));
    const stopped = this.#inTurn(async () => {
      if (this.#state !== "running") return this.#lastStop;
      this.#state = "stopping";
      try {
        this.#lastStop = await this.#end(deadline);
        return this.#lastStop;
      } finally {
        this.#state = "stopped";
      }
    });
    return within(deadline, stopped, () => {
      const left = this.#unfinished();
      return () => {
        // Nobody else hears of what it fails with.
        stopped.catch(this.#onError);
        const ending = this.#state === "stopping" ? this.#ending : undefined;
        return ending ?? { drained: left === 0, left };
      };
    });
  }

  /** Handlers running, and events not stored. */
  #unfinished(): number {
    return (this.#reading?.running ?? 0) + this.#work.running + this.#outbound.unfinished;
  }

  /** Cuts a stop short that is under way. */
  #hurry(timeoutMs: number): void {
    if (this.#state !== "stopping") return;
    void this.#reading?.stop(timeoutMs);
    void this.#work.stop(timeoutMs);
    this.#deadline?.within(timeoutMs);
  }

  async #end(deadline: Deadline): Promise<CoordinatorStopResult> {
    this.#deadline = deadline;
    this.#ending = undefined;
    const { leftMs } = deadline;
    // Handlers may publish until their end, so the way out stays open longest.
    const running = await Promise.all([this.#reading?.stop(leftMs) ?? 0, this.#work.stop(leftMs)]);
    const publishing = await this.#outbound.published(currentEvent()?.id, deadline.signal);
    await this.#outbound.flush(deadline.signal);
    const left = running[0] + running[1] + publishing + this.#outbound.abandon();
    this.#ending = { drained: left === 0, left };
    this.#stageBridge.detach();
    this.#outbound.detach();
    this.#unmapped.detach();
    this.#link.detach();
    await this.#reading?.leave();
    this.#reading = undefined;
    clearInterval(this.#keepAlive);
    return this.#ending;
  }

  async #publish(
    topic: string,
    payload: unknown,
    options: DurablePublishOptions = {},
  ): Promise<PublishReceipt> {
    checkPublishOptions(options);
    if (this.#state === "closed") throw closed("publish");
    if (this.#state === "stopped" || this.#state === "starting") {
      throw new CoordinatorError(
        "NOT_STARTED",
        `"${topic}" was published before start(). Await start() first, so that the event is bridged.`,
      );
    }
    const { bus, queue, catalogue } = this.#parts;
    const parts = { bus, queue, catalogue, counters: this.#counters, outbound: this.#outbound };
    return publishDurably({ ...parts, node: this.node }, topic, payload, options);
  }

  #bridges(direction: Direction): boolean {
    return this.#options.bridges?.[direction] ?? true;
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    // A step that a handler waits for must know so, or it would wait for that handler.
    const current = currentEvent();
    const result = this.#turn.then(() => (current ? runWithEvent(current, step) : step()));
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
