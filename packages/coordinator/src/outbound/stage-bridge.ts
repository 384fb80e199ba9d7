import {
  type EventBus,
  type HandlerError,
  isQuiet,
  isRepeated,
  quiet,
  type Subscription,
} from "@ringrift/core-bus";
import { type AnyContracts, isDerivedId, pickLineage } from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";
import { type StageEventBus, toTopicEvent } from "@ringrift/stage-events";
import type { Counters } from "../carrying/counters.ts";
import { takesChild } from "../carrying/recent-ids.ts";

export interface StageBridgeOptions {
  readonly stages: StageEventBus<AnyContracts>;
  readonly bus: EventBus<AnyContracts>;
  readonly catalogue: AnyCatalogue;
  readonly counters: Counters;
}

/**
 * Stage → topic, in memory: a stage result goes on under its topic, a failed one only under its failure's
 * topic, with the id it has. Its own spelling travels as `metadata.stage`.
 */
export class StageBridge {
  readonly #options: StageBridgeOptions;
  #subscriptions: Subscription[] = [];

  constructor(options: StageBridgeOptions) {
    this.#options = options;
  }

  attach(): void {
    const { stages, bus, catalogue, counters } = this.#options;
    for (const stage of catalogue.stages.names) {
      const forward = stages.bus.subscribe(
        stage,
        async (event) => {
          const topicEvent = toTopicEvent(catalogue, event.payload);
          if (!topicEvent) return counters.drop("unmapped");
          const { topic, payload, metadata } = topicEvent;
          const delivery = await bus.publish(topic, payload, {
            metadata,
            lineage: pickLineage(event),
            repeated: isDerivedId(event.id) ? !takesChild(bus, event.id) : isRepeated(event),
            ...(event.redelivered && { redelivered: true }),
          });
          if (delivery.dropped) counters.drop(delivery.dropped);
          else counters.forward("stageToTopic");
          // Whoever awaits the emit hears of what failed behind the bridge, first of all "not stored".
          if (delivery.errors.length > 0) throw failureOf(topic, delivery.errors);
        },
        { priority: Number.MAX_VALUE, tap: true, name: "stage → topic" },
      );
      this.#subscriptions.push(forward);
    }
  }

  detach(): void {
    for (const subscription of this.#subscriptions) subscription();
    this.#subscriptions = [];
  }
}

function failureOf(topic: string, errors: readonly HandlerError[]): AggregateError {
  const message = `The stage event went on as "${topic}", where handlers failed.`;
  const error = new AggregateError(errors, message);
  return errors.every(({ cause }) => isQuiet(cause)) ? quiet(error) : error;
}
