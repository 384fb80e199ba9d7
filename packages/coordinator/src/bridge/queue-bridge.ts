import { type AnyContracts, type Contracts, runDetached } from "@ringrift/envelope";
import type { StopResult } from "@ringrift/event-queue";
import {
  BridgeDirection,
  type BridgeDirectionStats,
  type DirectionCounts,
} from "./bridge-direction.ts";
import {
  checkBridgeOptions,
  type QueueBridgeOptions,
  type QueueBridgeSettings,
} from "./bridge-options.ts";
import type { BridgeHealth, BridgeProblem } from "./bridge-problem.ts";
import { checkStopOptions } from "../options/check-options.ts";
import { Deadline, within } from "../host/deadline.ts";
import { CoordinatorError } from "../errors.ts";
import type { StopOptions } from "../options/options.ts";
import { reporter } from "../host/report.ts";

const LONGEST_TIMER_MS = 2_147_483_647;
/** Dead letters of a direction that become process warnings; all are counted. */
const MOST_WARNINGS = 10;

/** What a bridge has done so far, in this process. */
export interface QueueBridgeStats {
  readonly running: boolean;
  /** `from` → `to`; `undefined` before the first start. */
  readonly forward: BridgeDirectionStats | undefined;
  /** `to` → `from`, with `both`. */
  readonly backward: BridgeDirectionStats | undefined;
}

type State = "stopped" | "starting" | "running" | "stopping";

/** A bridge between two queues; see {@link createQueueBridge}. */
export class QueueBridge implements AsyncDisposable {
  readonly name: string;
  readonly #settings: QueueBridgeSettings;
  readonly #onError: (error: unknown) => void;
  readonly #mostTold: number;
  readonly #counts: readonly DirectionCounts[] = [noCounts(), noCounts()];
  /** Of the last start; there may be a second one. */
  #directions: readonly BridgeDirection[] = [];
  #state: State = "stopped";
  #isClosed = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<StopResult> | undefined;
  #lastStop: StopResult = { drained: true, left: 0 };
  /** Keeps the process alive while it is started. */
  #keepAlive: NodeJS.Timeout | undefined;
  #isRef = true;

  /** @internal Made by `createQueueBridge`. */
  constructor(settings: QueueBridgeSettings, onError: QueueBridgeOptions["onError"]) {
    this.name = settings.name;
    this.#settings = settings;
    this.#onError = reporter(onError);
    this.#mostTold = onError === undefined ? MOST_WARNINGS : Number.POSITIVE_INFINITY;
  }

  /**
   * Begins to carry events; idempotent. When it resolves, the bridge has its group on each side that it reads, and
   * misses nothing from there on. It rejects when a queue can't be reached; then it may be called again.
   *
   * @throws CoordinatorError (rejects) `SAME_QUEUE`, `BRIDGE_CLOSED`
   * @throws QueueError (rejects) `GROUP_CONFIG_MISMATCH` when the bridge was made with other options; a queue's codes
   */
  async start(): Promise<void> {
    if (this.#state === "stopping") await this.#stopping;
    if (this.#isClosed) {
      throw new CoordinatorError(
        "BRIDGE_CLOSED",
        `start() was called on bridge "${this.name}", which is closed. Make a new one with createQueueBridge().`,
      );
    }
    this.#starting ??= runDetached(() => this.#begin());
    await this.#starting;
  }

  /**
   * Takes no new events, and waits until those under way are stored, at most so long. The rest waits in the queues for
   * the next start, of this process or another one. Idempotent; a second call with a shorter limit cuts the first one
   * short. Resolves to how many events were left under way: they may be stored yet, and come again without any harm.
   *
   * @throws CoordinatorError (rejects) `INVALID_OPTION`
   */
  async stop(options: StopOptions = {}): Promise<StopResult> {
    checkStopOptions("stop", options);
    const deadline = new Deadline(options.timeoutMs);
    try {
      return await within(deadline, this.#stop(deadline), () => {
        const left = this.#directions.reduce((sum, { inFlight }) => sum + inFlight, 0);
        return () => ({ drained: left === 0, left });
      });
    } finally {
      deadline.clear();
    }
  }

  /**
   * Stops for good; idempotent. The queues stay open.
   *
   * @throws CoordinatorError (rejects) `INVALID_OPTION`
   */
  async close(options: StopOptions = {}): Promise<StopResult> {
    checkStopOptions("close", options);
    this.#isClosed = true;
    return this.stop(options);
  }

  /** Lets the process end while the bridge is started, as with `net.Server`. */
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Counters of this process, across starts. */
  stats(): QueueBridgeStats {
    const [forward, backward] = this.#directions.map(({ group, inFlight }, index) => {
      const { skipped, ...counts } = this.#counts[index] ?? noCounts();
      return { group, ...counts, skipped: { ...skipped }, inFlight };
    });
    return { running: this.#isRunning, forward, backward };
  }

  /** Whether it carries events; asks the queues for what their groups have. Never rejects. */
  async health(): Promise<BridgeHealth> {
    const problems: BridgeProblem[] = [];
    if (this.#state !== "running") {
      problems.push({
        code: "BRIDGE_STOPPED",
        severity: "error",
        since: undefined,
        subject: this.name,
        message: "The bridge is not started.",
        action: "Call start().",
      });
    }
    for (const direction of this.#state === "running" ? this.#directions : []) {
      try {
        problems.push(...(await direction.problems()));
      } catch (error) {
        problems.push({
          code: "BRIDGE_UNKNOWN",
          severity: "error",
          since: undefined,
          subject: direction.group,
          message: `The queue that it reads can't be asked: ${error instanceof Error ? error.message : String(error)}`,
          action: "See that queue's health().",
        });
      }
    }
    return { ok: problems.length === 0, problems };
  }

  get #isRunning(): boolean {
    return this.#state === "running" && !this.#directions.every(({ hasEnded }) => hasEnded);
  }

  async #begin(): Promise<void> {
    this.#state = "starting";
    try {
      const directions = await this.#open();
      await Promise.all(directions.map((direction) => direction.ensure()));
      this.#directions = directions;
      for (const direction of directions) direction.start();
      this.#state = "running";
      this.#keepAlive = setInterval(() => undefined, LONGEST_TIMER_MS);
      if (!this.#isRef) this.#keepAlive.unref();
    } catch (error) {
      this.#state = "stopped";
      this.#starting = undefined;
      throw error;
    }
  }

  async #open(): Promise<BridgeDirection[]> {
    const { from, to, both, ...rest } = this.#settings;
    const [source, target] = await Promise.all([from.id(), to.id()]);
    if (source === target) {
      throw new CoordinatorError(
        "SAME_QUEUE",
        `Both sides of bridge "${this.name}" are the queue "${source}": two instances of it, or one is a copy of the other's file. Give two queues; a second one that is to have the same events begins empty, and the bridge fills it.`,
      );
    }
    const sides = [{ source: from, target: to, ends: { source, target } }];
    if (both) sides.push({ source: to, target: from, ends: { source: target, target: source } });
    return sides.map(
      (side, index) =>
        new BridgeDirection({
          ...rest,
          ...side,
          counts: this.#counts[index] ?? noCounts(),
          onError: this.#onError,
          mostTold: this.#mostTold,
          onEnded: () => {
            if (!this.#isRunning) clearInterval(this.#keepAlive);
          },
        }),
    );
  }

  async #stop(deadline: Deadline): Promise<StopResult> {
    await this.#starting?.catch(() => undefined);
    if (this.#state === "running") {
      this.#state = "stopping";
      this.#stopping = this.#end(deadline);
    } else if (this.#state === "stopping") {
      // Cuts the stop short that is under way.
      for (const direction of this.#directions) void direction.stop(deadline.leftMs);
    } else {
      return this.#lastStop;
    }
    return (await this.#stopping) ?? this.#lastStop;
  }

  async #end(deadline: Deadline): Promise<StopResult> {
    const results = await Promise.all(
      this.#directions.map((direction) => direction.stop(deadline.leftMs)),
    );
    const left = results.reduce((sum, result) => sum + result.left, 0);
    this.#lastStop = { drained: left === 0, left };
    clearInterval(this.#keepAlive);
    this.#state = "stopped";
    this.#starting = undefined;
    return this.#lastStop;
  }
}

/**
 * Joins two queues: the events of `from` are stored in `to` as well (and those of `to` in `from`, with `both`), each with
 * its id, type, payload, key, headers and lineage. Not started yet. Needs no bus and no catalogue.
 *
 * - Delivery is at least once, by a durable group on each side that is read; since a log is unique by event id, an event is
 *   there once. A queue that can't be reached, or is full, is tried again for ever. What a queue refuses for what the event
 *   is (`PAYLOAD_TOO_LARGE`) becomes a dead letter of the bridge's group.
 * - Events of one `key` arrive in their order; others in the order of the log, but for what comes again after a crash.
 * - A queue that an event has been in is named in its `via`, and is never sent it again. So rings of queues and redundant
 *   bridges end, also when a queue's retention has removed the event.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 * @throws QueueError `INVALID_OPTION`, `INVALID_TYPE`
 * @throws EnvelopeError `INVALID_START`, `INVALID_TIME`
 * @example
 * const bridge = createQueueBridge({ name: "site-a", from: file, to: cluster, types: ["ORDER_PLACED"], both: true });
 * await bridge.start();
 * bridge.stats().forward?.forwarded // 0
 */
export function createQueueBridge<
  C extends Contracts = AnyContracts,
  D extends Contracts = AnyContracts,
>(options: QueueBridgeOptions<C, D>): QueueBridge {
  return new QueueBridge(checkBridgeOptions(options), options.onError);
}

function noCounts(): DirectionCounts {
  return { forwarded: 0, duplicates: 0, skipped: { echo: 0, internal: 0 }, deadLetters: 0 };
}
