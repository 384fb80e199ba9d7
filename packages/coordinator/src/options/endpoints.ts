import { createEventBus, type EventBus } from "@ringrift/core-bus";
import type { AnyContracts } from "@ringrift/envelope";
import { MemoryEventQueue } from "@ringrift/event-queue";
import { type AnyCatalogue, selfplayCatalogue } from "@ringrift/mappings";
import { createStageEventBus, type StageEventBus } from "@ringrift/stage-events";
import { checkStages } from "./check-parts.ts";
import type { Deadline } from "../host/deadline.ts";
import type { CoordinatorOptions } from "./options.ts";
import type { AnyQueue } from "../carrying/wire.ts";

/** What a coordinator joins, and which of it is its own to close. */
export interface Parts {
  readonly catalogue: AnyCatalogue;
  readonly bus: EventBus<AnyContracts>;
  readonly stages: StageEventBus<AnyContracts>;
  readonly queue: AnyQueue;
  /**
   * Closes what the coordinator made itself: its buses, then its queue. Resolves to the handlers of the
   * buses that were left; those that a queue still waits for hold it up.
   */
  closeOwn(deadline: Deadline): Promise<number>;
}

/** Takes the parts that were given and makes the others, in memory. */
export function takeParts(options: CoordinatorOptions<AnyCatalogue>): Parts {
  const catalogue = options.catalogue ?? selfplayCatalogue;
  const bus = options.bus ?? createEventBus({ events: catalogue.topics });
  const stages = options.stages ?? createStageEventBus({ catalogue });
  if (options.stages !== undefined) checkStages(catalogue, stages);
  const queue = options.queue ?? new MemoryEventQueue({ events: catalogue.queue });
  return {
    catalogue,
    // The catalogue has given every name that is used on them, so their own types are of no more use.
    bus: bus as EventBus<AnyContracts>,
    stages: stages as StageEventBus,
    queue: queue as AnyQueue,
    async closeOwn(deadline) {
      let left = 0;
      for (const made of [!options.stages && stages, !options.bus && bus]) {
        if (!made) continue;
        const { leftMs } = deadline;
        left += (await made.close(leftMs === undefined ? {} : { timeoutMs: leftMs })).left;
      }
      if (!options.queue) await queue.close();
      return left;
    },
  };
}
