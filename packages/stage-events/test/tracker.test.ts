import { createLineage } from "@ringrift/envelope";
import { describe, expect, it } from "vitest";
import { createStageEventBus, trackPipeline } from "../src/index.ts";
import { CHAIN, KEY, tracked } from "./tracked.ts";

describe("a tracked pipeline", () => {
  it("takes each phase in turn and then begins the next iteration", async () => {
    const { emit, tracker, transitions, illegal } = tracked();
    const places: unknown[] = [];
    for (const stage of [...CHAIN, "selfplay_complete"] as const) {
      await emit(stage);
      const { stage: phase, iteration } = tracker.state(KEY) ?? {};
      places.push([phase, iteration]);
    }
    expect(places).toEqual([
      ["sync", 1],
      ["training", 1],
      ["evaluation", 1],
      ["promotion", 1],
      ["selfplay", 2],
      ["sync", 2],
    ]);
    expect(illegal).toEqual([]);
    expect(transitions.map(({ from, to, meaning }) => [from, to, meaning])).toEqual([
      ["selfplay", "sync", "completed"],
      ["sync", "training", "completed"],
      ["training", "evaluation", "completed"],
      ["evaluation", "promotion", "completed"],
      ["promotion", "selfplay", "completed"],
      ["selfplay", "sync", "completed"],
    ]);
  });

  it("keeps one state a key", async () => {
    const { stages, tracker } = tracked();
    await stages.emit({ stage: "selfplay_complete", success: true, configKey: "hex6_2p" });
    await stages.emit({ stage: "selfplay_complete", success: true, configKey: "hex7_2p" });
    await stages.emit({ stage: "sync_complete", success: true, configKey: "hex7_2p" });
    await stages.emit({ stage: "selfplay_complete", success: true });
    expect([...tracker.states()].map(([key, { stage }]) => [key, stage])).toEqual([
      ["hex6_2p", "sync"],
      ["hex7_2p", "training"],
      ["default", "sync"],
    ]);
    expect(tracker.state("hex8_2p")).toBeUndefined();
  });

  it("knows since when a phase runs and how long the ones before took", async () => {
    const { clock, emit, tracker } = tracked();
    await emit("selfplay_complete");
    clock.pass(200);
    await emit("sync_complete");
    clock.pass(5000);
    await emit("training_complete");
    expect(tracker.state(KEY)).toMatchObject({
      since: clock.now(),
      // Nobody knows when the first self-play began.
      durations: { sync: 200, training: 5000 },
    });
    expect(tracker.state(KEY)?.durations.selfplay).toBeUndefined();
  });

  it("counts from the iteration that its events name", async () => {
    const { stages, tracker, emit, illegal } = tracked();
    await emit("selfplay_complete", { iteration: 3 });
    expect(tracker.state(KEY)?.iteration).toBe(3);
    for (const stage of CHAIN.slice(1)) await emit(stage, { iteration: 3 });
    expect(tracker.state(KEY)?.iteration).toBe(4);
    expect(illegal).toEqual([]);
    await stages.close();
  });

  it("takes a started phase as begun anew", async () => {
    const { clock, emit, tracker } = tracked();
    await emit("selfplay_complete");
    await emit("sync_complete");
    clock.pass(1000);
    await emit("training_started");
    clock.pass(300);
    await emit("training_complete");
    expect(tracker.state(KEY)?.durations.training).toBe(300);
  });

  it("leaves other stages of the bus out", async () => {
    const { emit, tracker } = tracked();
    await emit("cmaes_complete");
    expect(tracker.state(KEY)).toBeUndefined();
    expect(tracker.stats()).toMatchObject({ outside: 1, transitions: 0 });
  });

  it("takes the same event again for no second step", async () => {
    const { stages, tracker, illegal } = tracked();
    const lineage = createLineage();
    const result = { stage: "selfplay_complete", success: true, configKey: KEY } as const;
    await stages.emit(result, { lineage });
    await stages.emit(result, { lineage });
    expect(tracker.state(KEY)?.stage).toBe("sync");
    expect(tracker.stats()).toMatchObject({ transitions: 1, duplicates: 1 });
    expect(illegal).toEqual([]);
  });

  it("does not count as a handler of the stage bus", async () => {
    const { emit, stages } = tracked();
    const { delivered } = await emit("selfplay_complete");
    expect(delivered).toBe(0);
    expect(stages.stats().subscribers).toBe(0);
  });
});

describe("a continuous phase", () => {
  it("may complete while later ones run, and counts for the next iteration", async () => {
    const { emit, tracker, illegal } = tracked();
    await emit("selfplay_complete");
    await emit("sync_complete");
    await emit("canonical_selfplay_complete");
    await emit("sync_complete");
    expect(tracker.state(KEY)?.stage).toBe("training");
    await emit("training_complete");
    await emit("evaluation_complete");
    await emit("promotion_complete");
    expect(tracker.state(KEY)).toMatchObject({ stage: "training", iteration: 2 });
    expect(illegal).toEqual([]);
  });

  it("may lag behind the one before it, once it has run", async () => {
    const { emit, tracker, illegal } = tracked();
    for (const stage of CHAIN) await emit(stage);
    await emit("sync_complete");
    expect(tracker.state(KEY)).toMatchObject({ stage: "training", iteration: 2 });
    expect(illegal).toEqual([]);
  });

  it("may fail while later ones run without failing them", async () => {
    const { emit, fail, tracker, transitions, illegal } = tracked();
    await emit("selfplay_complete");
    await emit("sync_complete");
    await fail("selfplay_failed", "worker died");
    expect(tracker.state(KEY)).toMatchObject({ stage: "training", failure: undefined });
    expect(transitions.at(-1)).toMatchObject({
      from: "training",
      to: "training",
      meaning: "failed",
    });
    expect(illegal).toEqual([]);
  });

  it("decides nothing by its iteration number, since it runs ahead", async () => {
    const { emit, tracker, illegal } = tracked();
    for (const stage of CHAIN) await emit(stage, { iteration: 1 });
    await emit("selfplay_complete", { iteration: 1 });
    expect(tracker.state(KEY)?.iteration).toBe(2);
    await emit("sync_complete", { iteration: 3 });
    await emit("training_complete", { iteration: 2 });
    expect(tracker.state(KEY)).toMatchObject({ stage: "evaluation", iteration: 2 });
    expect(illegal).toEqual([]);
  });
});

describe("a failure", () => {
  it.each(["training_complete", "training_failed"] as const)(
    "(%s) leaves the phase where it is, with its reason",
    async (stage) => {
      const { clock, emit, fail, tracker, transitions } = tracked();
      await emit("selfplay_complete");
      await emit("sync_complete");
      clock.pass(50);
      await fail(stage, "out of memory");
      expect(tracker.state(KEY)).toMatchObject({
        stage: "training",
        iteration: 1,
        since: clock.now(),
        failure: { stage, error: "out of memory", rejected: false, time: clock.now() },
      });
      expect(transitions.at(-1)).toMatchObject({ meaning: "failed", stage });
    },
  );

  it("is gone when the phase succeeds at the next attempt", async () => {
    const { emit, fail, tracker, illegal } = tracked();
    await emit("selfplay_complete");
    await emit("sync_complete");
    await fail("training_complete", "out of memory");
    await emit("training_started");
    expect(tracker.state(KEY)?.failure).toBeUndefined();
    await emit("training_complete");
    expect(tracker.state(KEY)).toMatchObject({ stage: "evaluation", failure: undefined });
    expect(illegal).toEqual([]);
  });

  it("allows to begin again from an earlier phase", async () => {
    const { emit, fail, tracker, illegal } = tracked();
    for (const stage of CHAIN.slice(0, 3)) await emit(stage);
    await fail("evaluation_complete", "opponent missing");
    await emit("training_complete");
    expect(tracker.state(KEY)).toMatchObject({ stage: "evaluation", failure: undefined });
    expect(illegal).toEqual([]);
  });

  it("allows to give up the iteration for the next one", async () => {
    const { emit, fail, tracker, illegal } = tracked();
    await emit("selfplay_complete", { iteration: 5 });
    await emit("sync_complete", { iteration: 5 });
    await emit("training_started", { iteration: 5 });
    await fail("training_complete", "NaN loss");
    await emit("training_complete", { iteration: 6 });
    expect(tracker.state(KEY)).toMatchObject({ stage: "evaluation", iteration: 6 });
    expect(illegal).toEqual([]);
  });
});

describe("a rejection", () => {
  it.each(["promotion_complete", "promotion_rejected"] as const)(
    "(%s) ends the iteration and is remembered until the next completion",
    async (stage) => {
      const { emit, fail, tracker, transitions, illegal } = tracked();
      for (const name of CHAIN.slice(0, 4)) await emit(name);
      await fail(stage);
      expect(tracker.state(KEY)).toMatchObject({
        stage: "selfplay",
        iteration: 2,
        failure: { stage, rejected: true, error: undefined },
      });
      expect(transitions.at(-1)).toMatchObject({ meaning: "rejected", to: "selfplay" });
      await emit("selfplay_complete");
      expect(tracker.state(KEY)?.failure).toBeUndefined();
      expect(illegal).toEqual([]);
    },
  );

  it("may leave the iteration its number", async () => {
    const { emit, fail, tracker, illegal } = tracked();
    for (const name of CHAIN.slice(0, 4)) await emit(name, { iteration: 2 });
    await fail("promotion_complete");
    await emit("selfplay_complete", { iteration: 2 });
    await emit("sync_complete", { iteration: 2 });
    await emit("training_complete", { iteration: 2 });
    expect(tracker.state(KEY)).toMatchObject({ stage: "evaluation", iteration: 2 });
    expect(illegal).toEqual([]);
  });

  it("is not what an error in the promotion is", async () => {
    const { emit, fail, tracker } = tracked();
    for (const name of CHAIN.slice(0, 4)) await emit(name);
    await fail("promotion_complete", "disk full");
    expect(tracker.state(KEY)).toMatchObject({
      stage: "promotion",
      iteration: 1,
      failure: { rejected: false, error: "disk full" },
    });
  });
});

describe("an illegal step", () => {
  it("that skips a phase is reported and taken", async () => {
    const { emit, tracker, illegal } = tracked();
    await emit("selfplay_complete");
    await emit("evaluation_complete");
    expect(illegal).toMatchObject([
      { key: KEY, reason: "skipped", from: "sync", to: "promotion", stage: "evaluation_complete" },
    ]);
    expect(illegal[0]?.message).toBe(
      'Pipeline "hex7_2p" stood in "sync" of iteration 1 when "evaluation_complete" came. An earlier phase is missing; it goes on from there.',
    );
    expect(tracker.state(KEY)?.stage).toBe("promotion");
  });

  it("at the very beginning is one too", async () => {
    const { emit, illegal } = tracked();
    await emit("training_complete");
    expect(illegal).toMatchObject([{ reason: "skipped", from: "selfplay", to: "evaluation" }]);
  });

  it("that repeats a phase is reported", async () => {
    const { emit, tracker, illegal } = tracked();
    for (const stage of CHAIN.slice(0, 4)) await emit(stage);
    await emit("training_complete");
    expect(illegal).toMatchObject([{ reason: "repeated", from: "promotion", to: "evaluation" }]);
    expect(tracker.state(KEY)?.stage).toBe("evaluation");
  });

  it("of an iteration that is over is reported and changes nothing", async () => {
    const { emit, tracker, transitions, illegal } = tracked();
    for (const stage of CHAIN.slice(0, 3)) await emit(stage, { iteration: 4 });
    const before = tracker.state(KEY);
    await emit("evaluation_complete", { iteration: 2 });
    expect(illegal).toMatchObject([{ reason: "late", stage: "evaluation_complete" }]);
    expect(tracker.state(KEY)).toEqual(before);
    expect(transitions).toHaveLength(3);
  });

  it("into an iteration to come is reported, for the present one is not finished", async () => {
    const { emit, tracker, illegal } = tracked();
    for (const stage of CHAIN.slice(0, 3)) await emit(stage, { iteration: 4 });
    await emit("training_complete", { iteration: 5 });
    expect(illegal).toMatchObject([{ reason: "unfinished" }]);
    expect(tracker.state(KEY)).toMatchObject({ stage: "evaluation", iteration: 5 });
  });

  it("is a process warning where nobody asked for it, never silence", async () => {
    const stages = createStageEventBus();
    using _ = trackPipeline(stages);
    const warned = Promise.withResolvers<Error & { code?: string }>();
    process.once("warning", warned.resolve);
    await stages.emit({ stage: "promotion_complete", success: true, configKey: KEY });
    expect((await warned.promise).code).toBe("RINGRIFT_PIPELINE_ILLEGAL");
  });

  it("carries the event that made it", async () => {
    const { emit, illegal } = tracked();
    const { event } = await emit("training_complete");
    expect(illegal[0]?.event.id).toBe(event.id);
  });
});
