import type {
  Delivery,
  DrainResult,
  EventBus,
  SubscribeOptions,
  Subscription,
} from "@ringrift/core-bus";
import type { AnyContracts, Contracts, EventLineage, EventName } from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { StageCallbackError } from "./callback-errors.ts";
import type { StageHandlerOutcome } from "./outcomes.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { StageBusEvent, StageEvent, StageResult, StageResults } from "./result.ts";

/** What is called with a result, and with the event that carries it. Thenables are awaited. */
export type StageHandler<C extends Contracts, S extends EventName<C>> = (
  result: StageResult<C, S>,
  event: StageBusEvent<C, S>,
) => unknown;

/** How long a stage subscription lives, and when it is called. */
export type StageSubscribeOptions = Pick<
  SubscribeOptions,
  "name" | "once" | "owner" | "priority" | "replay" | "signal"
>;

/** What can be said about an emit besides its result. */
export interface StageEmitOptions {
  /** For bridges: the lineage of an event that exists already. @default a new one */
  readonly lineage?: EventLineage | undefined;
  /** @default inherited from the event being handled, else the event's own id */
  readonly correlationId?: string | undefined;
  /** The component that emits, e.g. `trainer`. @default "" */
  readonly source?: string | undefined;
}

/** What came of `emitAndWait`. */
export interface StageOutcomes<C extends Contracts, S extends EventName<C>> {
  readonly result: StageResult<C, S>;
  /** The handlers that finished in time, in the order in which they were called. */
  readonly results: readonly StageHandlerOutcome[];
  /** Handlers that succeeded in time. */
  readonly delivered: number;
  readonly timedOut: boolean;
  /** Handlers still running. They run on; their failures are reported as always. */
  readonly pending: number;
}

/** Counters since the bus began. */
export interface StageBusStats {
  readonly emitted: number;
  /** Handler calls that succeeded. */
  readonly delivered: number;
  /** Handler calls that failed. */
  readonly failed: number;
  readonly subscribers: number;
  readonly subscribersByStage: Readonly<Record<string, number>>;
  readonly historySize: number;
  readonly stages: readonly string[];
}

/**
 * The bus of pipeline stages: each result goes to the handlers of its stage, with its success flag.
 *
 * - `emit` calls them one after another, by priority and then in the order in which they subscribed.
 * - A failing handler stops no other one; see `getCallbackErrors` and `onError`.
 * - Nothing leaves the process by itself: a coordinator takes results on to topics, and there a failure
 *   only ever has a failure's name.
 */
export interface StageEventBus<
  C extends Contracts = AnyContracts,
  Phase extends string = string,
> extends AsyncDisposable {
  /** Names this instance, in `via`; new for each bus. */
  readonly id: string;
  /**
   * The bus underneath: stage → event, whose payload is the result. For coordinators and trackers,
   * which want every stage with its lineage; handlers subscribe on the stage bus. What is published on
   * it directly is not checked.
   */
  readonly bus: EventBus<StageResults<C>>;
  readonly catalogue: AnyCatalogue;
  /** `undefined` for a bus over a catalogue without an order of phases. */
  readonly pipeline: Pipeline<C, Phase> | undefined;

  /**
   * Calls a handler for each result of a stage. Subscribing the same handler again gives the
   * subscription that it has already.
   *
   * @throws StageEventsError `UNKNOWN_STAGE`
   * @throws EventBusError `INVALID_OPTION`, `BUS_CLOSED`
   * @example stages.subscribe("training_complete", async (result) => evaluate(result.configKey));
   */
  subscribe<const S extends EventName<C>>(
    stage: S,
    handler: StageHandler<C, S>,
    options?: StageSubscribeOptions,
  ): Subscription;

  /** Ends the subscription of a handler on a stage. False when it has none. */
  unsubscribe<const S extends EventName<C>>(stage: S, handler: StageHandler<C, S>): boolean;

  /**
   * Emits a stage result and resolves when its handlers have settled, one after another.
   *
   * A handler's failure doesn't reject it.
   *
   * @throws StageEventsError (rejects) `INVALID_RESULT`, `UNKNOWN_STAGE`, `MISSING_SUCCESS`, `SUCCESSFUL_FAILURE`
   * @throws EventBusError (rejects) what the bus underneath rejects with: `INVALID_OPTION`, `BUS_CLOSED`, …
   * @example await stages.emit({ stage: "training_complete", success: true, metrics: { accuracy: 0.85 } });
   */
  emit<const S extends EventName<C>>(
    event: { readonly stage: S } & StageEvent<C, S>,
    options?: StageEmitOptions,
  ): Promise<Delivery<StageBusEvent<C, S>>>;

  /**
   * Emits a stage result to all handlers at once and resolves to how they ended, at the latest after
   * `timeoutMs` (default: no limit), then with the results that are there. Otherwise like `emit`.
   *
   * @throws what `emit` throws (rejects); StageEventsError `INVALID_OPTION` for a wrong `timeoutMs`
   * @example const { results, pending } = await stages.emitAndWait(event, { timeoutMs: 5000 });
   */
  emitAndWait<const S extends EventName<C>>(
    event: { readonly stage: S } & StageEvent<C, S>,
    options?: StageEmitOptions & { readonly timeoutMs?: number | undefined },
  ): Promise<StageOutcomes<C, S>>;

  /**
   * Results that were emitted, newest first (default limit 100). Ids and times: `bus.getHistory`.
   *
   * @throws StageEventsError `UNKNOWN_STAGE`
   * @throws EventBusError `INVALID_OPTION`
   */
  getHistory<const S extends EventName<C> = EventName<C>>(query?: {
    readonly stage?: S | undefined;
    readonly limit?: number | undefined;
  }): StageResult<C, S>[];

  /**
   * Failures of handlers, newest first (default limit 20); the last hundred are kept.
   *
   * @throws StageEventsError `INVALID_OPTION`
   */
  getCallbackErrors(query?: { readonly limit?: number }): StageCallbackError[];

  stats(): StageBusStats;

  /**
   * Refuses further emits, waits for running handlers at most `timeoutMs` (default 5000), and ends all
   * subscriptions. The history stays readable. Idempotent; also as `await using`.
   *
   * @throws EventBusError (rejects) `INVALID_OPTION`
   */
  close(options?: { readonly timeoutMs?: number }): Promise<DrainResult>;
}
