import { createEventBus } from "@ringrift/core-bus";
import { outcomeTopic, selfplayCatalogue } from "@ringrift/mappings";
import * as fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  createStageEventBus,
  type IllegalTransition,
  selfplayPipeline,
  type SelfplayPhase,
  toTopicEvent,
  trackPipeline,
} from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { KEY, tracked } from "./tracked.ts";

/** A tracked topic bus. */
function overTopics() {
  const bus = createEventBus({ events: selfplayCatalogue.topics });
  const illegal: IllegalTransition<SelfplayPhase>[] = [];
  const tracker = trackPipeline(
    { bus, catalogue: selfplayCatalogue },
    { clock: new FakeClock(), onIllegal: (transition) => illegal.push(transition) },
  );
  onTestFinished(() => tracker.stop());
  return { bus, tracker, illegal };
}

describe("a tracker over a topic bus", () => {
  it("goes on where the program ends its own subscriptions of a topic", async () => {
    const { bus, tracker } = overTopics();
    bus.subscribe("data.sync_completed", () => {});
    expect(bus.unsubscribe({ topic: "data.sync_completed" })).toBe(1);
    await bus.publish("data.sync_completed", { configKey: KEY, success: true } as never);
    expect(tracker.state(KEY)?.stage).toBe("training");
  });

  it("sees what a stage bus sees, for every outcome of the chain", async () => {
    const { bus, tracker, illegal } = overTopics();
    const stages = createStageEventBus();
    using direct = trackPipeline(stages, { clock: new FakeClock() });
    const untyped = createEventBus();
    untyped.subscribe("**", () => {});
    for (const [stage, outcome] of [
      ["selfplay_complete", { success: true }],
      ["cluster_sync_complete", { success: true }],
      ["training_complete", { success: false, error: "out of memory" }],
      ["training_complete", { success: true }],
      ["evaluation_complete", { success: true }],
      ["promotion_complete", { success: false }],
    ] as const) {
      const { event } = await stages.emit({ stage, configKey: KEY, iteration: 3, ...outcome });
      const topicEvent = toTopicEvent(selfplayCatalogue, event.payload);
      await bus.publish({
        topic: topicEvent?.topic as "training.completed",
        payload: topicEvent?.payload as never,
        metadata: topicEvent?.metadata as never,
      });
      expect(tracker.state(KEY)).toEqual(direct.state(KEY));
    }
    expect(tracker.state(KEY)?.failure?.stage).toBe("promotion_complete");
    expect(illegal).toEqual([]);
  });

  it("takes a topic without a stage's spelling for its first stage", async () => {
    const { bus, tracker } = overTopics();
    await bus.publish("data.new_games", { count: 40, source: "worker-1", configKey: KEY });
    expect(tracker.state(KEY)?.stage).toBe("sync");
    await bus.publish("data.sync_failed", { nodeId: "n", error: "timeout", configKey: KEY });
    expect(tracker.state(KEY)?.failure).toMatchObject({ stage: "sync_failed", error: "timeout" });
  });

  it("is not misled by a stage in somebody's own metadata", async () => {
    const { bus, tracker } = overTopics();
    const games = { count: 40, source: "worker-1", configKey: KEY };
    await bus.publish("data.new_games", games, { metadata: { stage: "promotion_complete" } });
    expect(tracker.state(KEY)?.stage).toBe("sync");
  });

  it("does not hear of topics that are no outcome of a stage", async () => {
    const { bus, tracker } = overTopics();
    await bus.publish("cluster.leader_elected", { leaderId: "n1" });
    expect(tracker.stats()).toMatchObject({ keys: 0, outside: 0 });
  });
});

describe("any sequence of results", () => {
  const results = fc.array(
    fc.record({
      stage: fc.constantFrom(...selfplayCatalogue.stages.names),
      success: fc.boolean(),
      error: fc.option(fc.constant("boom"), { nil: undefined }),
      iteration: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    }),
    { maxLength: 40 },
  );

  it("is accounted for: each is a transition, a late one, or outside of the pipeline", async () => {
    await fc.assert(
      fc.asyncProperty(results, async (sequence) => {
        const { stages, tracker, illegal } = tracked();
        for (const { stage, success, error, iteration } of sequence) {
          const failing = selfplayCatalogue.entryForStage(stage)?.isFailure ?? false;
          await stages.emit({
            stage: stage as "training_complete",
            success: success && !failing,
            ...(error !== undefined && { error }),
            ...(iteration !== undefined && { iteration }),
          });
        }
        const { transitions, outside, illegal: count } = tracker.stats();
        const late = illegal.filter(({ reason }) => reason === "late").length;
        expect(transitions + late + outside).toBe(sequence.length);
        expect(count).toBe(illegal.length);
        for (const { stage } of tracker.states().values()) {
          expect(selfplayPipeline.order).toContain(stage);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("leaves every failure under a failure's topic", () => {
    fc.assert(
      fc.property(results, (sequence) => {
        for (const { stage, error } of sequence) {
          const topic = outcomeTopic(selfplayCatalogue, stage, { success: false, error });
          expect(selfplayCatalogue.entryForTopic(topic ?? "")?.isFailure).toBe(true);
        }
      }),
    );
  });
});
