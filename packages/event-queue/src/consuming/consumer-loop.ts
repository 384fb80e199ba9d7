import {
  type Contracts,
  currentEvent,
  type EventLineage,
  type EventName,
  runDetached,
} from "@ringrift/envelope";
import { Bell, LONGEST_TIMER_MS } from "../reading/bell.ts";
import type { Consumer, ConsumerOptions, ConsumerStats, StopResult } from "../contract/consumer.ts";
import { checkConsumerOptions, type CheckedConsumerOptions } from "../checking/consumer-options.ts";
import { Delivery, type DeliveryOutcome, isForWantOfSpace, leaseLost } from "./delivery.ts";
import { QueueError } from "../failures/errors.ts";
import type { LeasedEvent } from "../contract/events.ts";
import { type ConsumerWork, handlerLookup, type HandlerLookup } from "./handler-lookup.ts";
import { LeaseRenewal } from "../leasing/lease-renewal.ts";
import type { LeaseSource } from "../leasing/lease-source.ts";
import { leaseOperationsOf } from "../leasing/leased-record.ts";
import { Pacing } from "../leasing/pacing.ts";
import { isFatal, reportQueueError } from "../failures/queue-errors.ts";
import { Roster } from "./roster.ts";
import { settle } from "./settlement.ts";

const NOBODY: ReadonlySet<Delivery> = new Set();
const LONG_POLL_MS = 30_000;
/** Before a handler is tried again whose sends found the queue full. */
const FULL_PAUSE_MS = 1_000;

/**
 * For backends: runs handlers over a {@link LeaseSource} until stopped. It starts events in the order they
 * came, never two of one `key` at once, and each under a lease that holds; renews the leases of all it holds every third
 * of `leaseMs`; acks after success; nacks failures with their reason; gives back unbegun what it can't begin, and, after
 * a pause, what failed because the queue was full. After a few ms it lets the event loop turn before it begins more. Errors of the queue are retried with a growing pause; those that a retry can't help end it (`ended` has the error).
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function createConsumer<C extends Contracts, K extends EventName<C>>(
  source: LeaseSource,
  work: ConsumerWork<C, K>,
  options: ConsumerOptions = {},
): Consumer {
  return new ConsumerLoop(source, handlerLookup(work), checkConsumerOptions(options));
}

class ConsumerLoop implements Consumer {
  readonly ended: Promise<Error | undefined>;
  readonly #source: LeaseSource;
  readonly #handlerOf: HandlerLookup;
  readonly #options: CheckedConsumerOptions;
  /** Rings when something changes that the loop or a stop waits for. */
  readonly #changed = new Bell();
  readonly #keepAlive: NodeJS.Timeout;
  readonly #end: (failure: Error | undefined) => void;
  readonly #counts = { handled: 0, failed: 0, deadLettered: 0, leasesLost: 0 };
  readonly #waiting: LeasedEvent[] = [];
  readonly #running = new Roster<Delivery>();
  /** Their handlers are done, their acks and nacks are not. */
  readonly #settling = new Roster<Delivery>();
  readonly #busyKeys = new Set<string>();
  /** Their handlers wait for a stop of this consumer, so no stop waits for them. */
  readonly #stoppers = new Set<Delivery>();
  readonly #renewal = new LeaseRenewal(
    (leaseMs) => this.#renewals(leaseMs),
    (error) => this.#report(error),
  );
  readonly #pacing: Pacing;
  #isRenewingFirst = false;
  #state: ConsumerStats["state"] = "running";
  #receiving: AbortController | undefined;
  #looping = true;
  #releasing = 0;
  #left = 0;
  #failure: Error | undefined;

  constructor(source: LeaseSource, handlerOf: HandlerLookup, options: CheckedConsumerOptions) {
    this.#source = source;
    this.#handlerOf = handlerOf;
    this.#options = options;
    this.#pacing = new Pacing({
      concurrency: options.concurrency,
      mayLeaseAhead: source.claimsCommit && options.prefetch === undefined,
      giveBack: () => this.#releaseWaiting(),
    });
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.ended = promise;
    this.#end = resolve;
    // A consumer made inside a handler is not a part of what that handler does.
    this.#keepAlive = runDetached(() => {
      const timer = setInterval(() => {}, LONGEST_TIMER_MS);
      void this.#loop();
      return timer;
    });
    if (options.signal?.aborted === true) this.#beginStop();
    else options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => this.#beginStop();

  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#receiving?.abort();
    this.#releaseWaiting();
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.#changed.ring();
  }

  stats(): ConsumerStats {
    return {
      ...this.#counts,
      inFlight: this.#running.size + this.#settling.size,
      state: this.#state,
    };
  }

  ref(): this {
    this.#keepAlive.ref();
    return this;
  }

  unref(): this {
    this.#keepAlive.unref();
    return this;
  }

  async stop(options: { readonly timeoutMs?: number | undefined } = {}): Promise<StopResult> {
    this.#beginStop();
    this.#excuse(currentEvent());
    const deadline = performance.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
    while (!this.#isQuiet(this.#stoppers)) {
      const seen = this.#changed.version;
      const left = deadline - performance.now();
      if (left <= 0) {
        this.#abandonAll();
        break;
      }
      await this.#changed.wait(seen, { timeoutMs: left, keepAlive: true });
    }
    return { drained: this.#left === 0, left: this.#left };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * A handler that stops its own consumer would wait for itself, and two of them for each other. By id: a bridge
   * publishes the event on a bus, and its handlers run with the bus's form of it, or with an event that they published.
   */
  #excuse(current: EventLineage | undefined): void {
    if (current === undefined) return;
    const { id, causationId } = current;
    for (const delivery of this.#held()) {
      const { event } = delivery;
      if (event.id === id || event.id === causationId) this.#stoppers.add(delivery);
    }
    this.#changed.ring();
  }

  /** Handlers are running, or their acks and nacks are. */
  #held(): Delivery[] {
    return [...this.#running, ...this.#settling];
  }

  #isQuiet(except: ReadonlySet<Delivery> = NOBODY): boolean {
    // Those in it are always among those that are held.
    const others = this.#running.size + this.#settling.size - except.size;
    return others === 0 && !this.#looping && this.#releasing === 0;
  }

  #beginStop(): void {
    if (this.#state === "stopping" || this.#state === "stopped") return;
    this.#state = "stopping";
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#receiving?.abort();
    this.#releaseWaiting();
    this.#changed.ring();
    this.#finishIfQuiet();
  }

  #abandonAll(): void {
    for (const delivery of this.#held()) {
      if (this.#stoppers.has(delivery)) continue;
      const isLeft = delivery.abandon(
        new QueueError(
          "CONSUMER_STOPPED",
          `The consumer of group "${this.#source.group}" was stopped before this handler was done. The event is delivered again.`,
        ),
      );
      if (isLeft) this.#left += 1;
    }
  }

  #finishIfQuiet(): void {
    if (this.#state !== "stopping" || !this.#isQuiet()) return;
    this.#state = "stopped";
    clearInterval(this.#keepAlive);
    this.#renewal.stop();
    this.#end(this.#failure);
  }

  async #loop(): Promise<void> {
    // The constructor must return before the first event can be seen.
    await Promise.resolve();
    let failures = 0;
    while (!this.#hasEnded()) {
      if (this.#running.size + this.#settling.size > 0) {
        // All handlers that end in this turn: then their places are asked for at once, and in the transaction that
        // settles their events.
        await new Promise<void>((resolve) => process.nextTick(resolve));
        if (this.#hasEnded()) break;
      }
      const seen = this.#changed.version;
      const { concurrency, prefetch = 0 } = this.#options;
      const room = concurrency + prefetch - this.#running.size - this.#waiting.length;
      try {
        if (this.#state === "paused" || room <= 0) {
          await this.#changed.wait(seen);
        } else {
          await this.#receive(room);
          failures = 0;
          if (this.#pacing.isTurnOver) await this.#pacing.turn();
        }
      } catch (error) {
        if (isFatal(error)) {
          this.#fail(error);
          break;
        }
        failures += 1;
        if (failures === 1) this.#report(error);
        await this.#pauseAfter(failures);
      }
    }
    this.#looping = false;
    this.#changed.ring();
    this.#finishIfQuiet();
  }

  #hasEnded(): boolean {
    return this.#state === "stopping" || this.#state === "stopped";
  }

  async #receive(limit: number): Promise<void> {
    const controller = new AbortController();
    this.#receiving = controller;
    const { signal } = controller;
    const ahead = this.#pacing.claim();
    try {
      const events = await this.#source.receive({ limit, ahead, waitMs: LONG_POLL_MS, signal });
      this.#waiting.push(...events);
      if (events.length > 0) this.#renewal.start(this.#source.leaseMs);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.#receiving = undefined;
    }
    this.#pacing.answered();
    if (this.#state !== "running") {
      this.#releaseWaiting();
      return;
    }
    const isFull = this.#waiting.length >= limit + ahead;
    if (this.#waiting.length > 0) this.#pacing.begin();
    this.#beginReady();
    const pauseMs = this.#pacing.pauseMs(isFull);
    if (pauseMs > 0) await this.#pause(pauseMs);
  }

  /** Grows from 100 ms to 5 s, with jitter so that processes which failed together don't return together. */
  async #pauseAfter(failures: number): Promise<void> {
    const longest = Math.min(5_000, 100 * 2 ** Math.min(failures - 1, 10));
    await this.#pause(longest * (0.5 + Math.random() / 2));
  }

  /** Ends early when the consumer stops. */
  async #pause(ms: number): Promise<void> {
    const until = performance.now() + ms;
    while (this.#state === "running") {
      const left = until - performance.now();
      if (left <= 0) return;
      await this.#changed.wait(this.#changed.version, { timeoutMs: left });
    }
  }

  #beginReady(isRenewed = false): void {
    while (this.#state === "running" && this.#running.size < this.#options.concurrency) {
      const index = this.#waiting.findIndex(
        ({ key }) => key === undefined || !this.#busyKeys.has(key),
      );
      const event = this.#waiting[index];
      if (event === undefined) return;
      if (this.#pacing.isTurnOver) {
        void this.#pacing.turn().then(() => this.#beginReady());
        return;
      }
      const leftMs = leaseOperationsOf(event)?.leftMs?.() ?? Number.POSITIVE_INFINITY;
      if (leftMs > 0 && !isRenewed && this.#renewal.isOverdue(leftMs)) {
        void this.#beginAfterRenewal();
        return;
      }
      this.#waiting.splice(index, 1);
      if (leftMs > 0) {
        this.#begin(event);
        continue;
      }
      // The process stood still for longer than the lease: whoever has the event by now does it.
      this.#counts.leasesLost += 1;
      this.#release(event);
    }
  }

  /** No timer ran for so long that the lease could end in the middle of a handler. */
  async #beginAfterRenewal(): Promise<void> {
    if (this.#isRenewingFirst) return;
    this.#isRenewingFirst = true;
    await this.#renewal.renewNow();
    this.#isRenewingFirst = false;
    this.#beginReady(true);
  }

  #begin(event: LeasedEvent): void {
    if (event.key !== undefined) this.#busyKeys.add(event.key);
    const { dedupeChildren, handlerTimeoutMs } = this.#options;
    const { group, childIds } = this.#source;
    const delivery = new Delivery(event, {
      group,
      childIds: dedupeChildren ? childIds : undefined,
      handlerTimeoutMs: handlerTimeoutMs ?? this.#source.handlerTimeoutMs,
    });
    this.#running.add(delivery);
    void this.#deliver(delivery);
  }

  /** Never rejects. */
  async #deliver(delivery: Delivery): Promise<void> {
    const { event } = delivery;
    const begunAt = performance.now();
    const outcome = await delivery.run(this.#handlerOf(event.type));
    this.#pacing.done(outcome.kind === "handled", performance.now() - begunAt);
    // Others would fare no better: it keeps its place among those that run.
    if (isForWantOfSpace(outcome)) await this.#pause(FULL_PAUSE_MS);
    this.#running.delete(delivery);
    this.#settling.add(delivery);
    const settling = this.#settle(delivery, outcome);
    this.#changed.ring();
    this.#beginReady();
    let isAcked = false;
    try {
      isAcked = await settling;
    } catch (error) {
      // The lease runs out and the event is delivered again; that is what at least once means.
      this.#report(error);
    }
    this.#settling.delete(delivery);
    this.#stoppers.delete(delivery);
    delivery.settled(isAcked);
    if (event.key !== undefined) this.#busyKeys.delete(event.key);
    this.#changed.ring();
    this.#beginReady();
    this.#finishIfQuiet();
  }

  /**
   * The next event of its key waits for the ack; others share a commit with those of their round. Resolves to whether
   * the ack was taken.
   */
  async #settle(delivery: Delivery, handled: DeliveryOutcome): Promise<boolean> {
    const { event } = delivery;
    const rest = delivery.outcomeAfter(handled);
    const outcome = rest === undefined ? handled : await rest;
    if (outcome.kind === "handled" && event.key === undefined) await this.#pacing.round;
    if (outcome.kind === "failed") this.#counts.failed += 1;
    if (isForWantOfSpace(outcome)) this.#report(outcome.error);
    const count = await settle(this.#source, event, outcome);
    if (count !== undefined) this.#counts[count] += 1;
    return count === "handled";
  }

  /** Another member may have time for what can't be begun here; returns whether there was any. */
  #releaseWaiting(): boolean {
    this.#pacing.endRound();
    const waiting = this.#waiting.splice(0);
    for (const event of waiting) this.#release(event);
    return waiting.length > 0;
  }

  /** Of no effect where the lease was lost. */
  #release(event: LeasedEvent): void {
    this.#releasing += 1;
    void this.#source
      .release(event)
      .catch((error: unknown) => this.#report(error))
      .finally(() => {
        this.#releasing -= 1;
        this.#changed.ring();
        this.#finishIfQuiet();
      });
  }

  /** The leases of all it holds, those whose handlers run and those that wait for one. */
  #renewals(leaseMs: number): Promise<void>[] {
    return [
      ...this.#held().map(async (delivery) => {
        // Of no effect when the handler is done and its event is being settled.
        if (!(await delivery.renew(leaseMs))) delivery.abandon(leaseLost(delivery.event));
      }),
      ...this.#waiting.map(async (event) => {
        if (await event.extend(leaseMs)) return;
        const index = this.#waiting.indexOf(event);
        if (index !== -1) this.#waiting.splice(index, 1);
        this.#changed.ring();
      }),
    ];
  }

  #fail(error: unknown): void {
    // Closing the queue is how a consumer ends, not a failure of it.
    if (!(error instanceof QueueError && error.code === "QUEUE_CLOSED")) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#report(error);
    }
    this.#beginStop();
  }

  #report(error: unknown): void {
    reportQueueError(error, `Consumer of group "${this.#source.group}"`, this.#options.onError);
  }
}
