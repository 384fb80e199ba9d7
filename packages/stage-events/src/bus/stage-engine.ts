import { quoted } from "@ringrift/envelope";
import {
  createEventBus,
  type Delivery,
  type DrainResult,
  type EventBus,
  type HandlerError,
  type PublishOptions,
  type Subscription,
} from "@ringrift/core-bus";
import type { AnyCatalogue } from "@ringrift/mappings";
import { CallbackErrors, type StageCallbackError } from "./callback-errors.ts";
import { Outcomes } from "./outcomes.ts";
import { StageEventsError } from "../errors.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { type AnyStageResult, checkStage, readResult } from "./result.ts";
import type { StageBusStats, StageEmitOptions, StageSubscribeOptions } from "./stage-bus.ts";
import { startTimeout } from "./timeout.ts";

/** What a stage bus is made of. */
export interface StageEngineParts {
  readonly catalogue: AnyCatalogue;
  readonly pipeline: Pipeline | undefined;
  readonly historySize: number;
  readonly onError: ((error: HandlerError) => unknown) | undefined;
}

type AnyHandler = (this: unknown, result: AnyStageResult, event: unknown) => unknown;

/** The engine behind `StageEventBus`, which is its typed face. */
export class StageEngine {
  readonly bus: EventBus;
  readonly catalogue: AnyCatalogue;
  readonly pipeline: Pipeline | undefined;
  readonly #errors = new CallbackErrors();
  readonly #waited = new WeakMap<object, Outcomes>();
  readonly #subscriptions = new WeakMap<AnyHandler, Map<string, Subscription>>();
  readonly #active = new Map<Subscription, string>();
  #emitted = 0;

  constructor(parts: StageEngineParts) {
    this.catalogue = parts.catalogue;
    this.pipeline = parts.pipeline;
    this.bus = createEventBus({
      events: parts.catalogue.stages,
      history: parts.historySize,
      onError: parts.onError,
    });
    this.bus.signals.on("error", (error) => this.#errors.add(error));
    this.bus.signals.on("unsubscribed", (subscription) => this.#active.delete(subscription));
  }

  get id(): string {
    return this.bus.id;
  }

  subscribe(stage: string, handler: AnyHandler, options: StageSubscribeOptions = {}): Subscription {
    checkStage(stage, this.catalogue);
    const known = this.#subscriptions.get(handler) ?? new Map<string, Subscription>();
    const existing = known.get(stage);
    if (existing?.active) return existing;

    const name = (options.name ?? handler.name) || "anonymous";
    const waited = this.#waited;
    const subscription = this.bus.subscribe(
      stage,
      function call(this: unknown, event): unknown {
        const result: AnyStageResult = event.payload;
        // Only those who wait for outcomes have them written down.
        const outcomes = waited.get(result);
        return outcomes
          ? outcomes.add(name, () => handler.call(this, result, event))
          : handler.call(this, result, event);
      },
      { ...options, name },
    );
    known.set(stage, subscription);
    this.#subscriptions.set(handler, known);
    if (subscription.active) this.#active.set(subscription, stage);
    return subscription;
  }

  unsubscribe(stage: string, handler: AnyHandler): boolean {
    const subscription = this.#subscriptions.get(handler)?.get(stage);
    if (!subscription?.active) return false;
    subscription();
    return true;
  }

  async emit(event: unknown, options?: StageEmitOptions): Promise<Delivery> {
    return await this.#publish(readResult(event, this.catalogue), options);
  }

  async emitAndWait(
    event: unknown,
    options: StageEmitOptions & { readonly timeoutMs?: number | undefined } = {},
  ): Promise<object> {
    const { timeoutMs, ...rest } = options;
    const timeout = startTimeout(timeoutMs);
    try {
      const result = readResult(event, this.catalogue);
      const outcomes = new Outcomes();
      this.#waited.set(result, outcomes);
      const delivery = this.#publish(result, { ...rest, delivery: "parallel" });
      const timedOut = await Promise.race([delivery.then(() => false), timeout.elapsed]);
      const results = outcomes.known;
      const delivered = results.filter((outcome) => outcome.status === "fulfilled").length;
      return { result, results, delivered, timedOut, pending: outcomes.pending };
    } finally {
      timeout.cancel();
    }
  }

  getHistory(query: { readonly stage?: string; readonly limit?: number } = {}): unknown[] {
    const { stage, limit } = query;
    if (stage !== undefined) checkStage(stage, this.catalogue);
    const events = this.bus.getHistory({ topic: stage, limit });
    return events.map((event) => event.payload);
  }

  getCallbackErrors(query: { readonly limit?: number } = {}): StageCallbackError[] {
    const { limit = 20 } = query;
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new StageEventsError(
        "INVALID_OPTION",
        `Option "limit" is ${quoted(limit)}. Give a whole number from 1.`,
      );
    }
    return this.#errors.newest(limit);
  }

  stats(): StageBusStats {
    const { delivered, history } = this.bus.stats();
    const byStage: Record<string, number> = {};
    for (const stage of this.#active.values()) byStage[stage] = (byStage[stage] ?? 0) + 1;
    return {
      emitted: this.#emitted,
      delivered,
      failed: this.#errors.total,
      subscribers: this.#active.size,
      subscribersByStage: byStage,
      historySize: history.size,
      stages: [...this.catalogue.stages.names],
    };
  }

  close(options?: { readonly timeoutMs?: number }): Promise<DrainResult> {
    return this.bus.close(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #publish(result: AnyStageResult, options: PublishOptions | undefined): Promise<Delivery> {
    const { stage, metadata } = result;
    const all = metadata ? { ...options, metadata } : options;
    const delivery = await this.bus.publish(stage, result, all);
    if (!delivery.dropped) this.#emitted += 1;
    return delivery;
  }
}
