import { createEventBus } from "@ringrift/core-bus";
import { selfplayCatalogue } from "@ringrift/mappings";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  createStageEventBus,
  type IllegalTransition,
  type SelfplayPhase,
  type Stall,
  trackPipeline,
  type TrackerOptions,
  type Transition,
} from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { deliver, fill, logged, type Logged, newBus, turn, warningsOf } from "./past.ts";
import { KEY } from "./tracked.ts";

const HOUR = 3_600_000;
const TOPICS = {
  selfplay: "data.new_games",
  sync: "data.sync_completed",
  started: "training.started",
  training: "training.completed",
  evaluation: "evaluation.completed",
  promotion: "model.promoted",
} as const;
type Step = keyof typeof TOPICS;

/** What a log holds of one key: a step each minute, the last one a minute before `now`. */
function logOf(now: number, steps: readonly Step[], key = KEY): Logged[] {
  return steps.map((step, index) => {
    const payload = { configKey: key, success: true, iteration: 3 };
    return logged(TOPICS[step], payload, now - (steps.length - index) * 60_000);
  });
}

function tracking(history?: number | false, options: TrackerOptions<SelfplayPhase> = {}) {
  const clock = new FakeClock();
  const bus = newBus(selfplayCatalogue, history);
  const transitions: Transition<SelfplayPhase>[] = [];
  const illegal: IllegalTransition<SelfplayPhase>[] = [];
  const stalls: Stall<SelfplayPhase>[] = [];
  const track = () => {
    const tracker = trackPipeline(
      { bus, catalogue: selfplayCatalogue },
      {
        clock,
        onTransition: (transition) => transitions.push(transition),
        onIllegal: (transition) => illegal.push(transition),
        onStall: (stall) => stalls.push(stall),
        ...options,
      },
    );
    onTestFinished(() => tracker.stop());
    return tracker;
  };
  const reasons = () => illegal.map(({ reason, stage }) => [reason, stage]);
  return { clock, bus, track, transitions, illegal, reasons, stalls };
}

describe.each(["before", "after"] as const)("a tracker made %s the history is filled", (order) => {
  const start = (
    steps: readonly Step[],
    history?: number,
    options?: TrackerOptions<SelfplayPhase>,
  ) => {
    const world = tracking(history, options);
    const log = logOf(world.clock.now(), steps);
    const early = order === "before" ? world.track() : undefined;
    fill(world.bus, log);
    return { ...world, log, tracker: early ?? world.track() };
  };

  it("knows where each key stands, since when, and what its phases took", async () => {
    const { clock, bus, tracker, illegal } = start(["selfplay", "sync", "started"]);
    expect(tracker.state(KEY)).toEqual({
      stage: "training",
      iteration: 3,
      since: clock.now() - 60_000,
      durations: { sync: 60_000 },
      stalled: false,
      failure: undefined,
      done: false,
    });
    await bus.publish(TOPICS.training, { configKey: KEY, success: true, iteration: 3 });
    expect(tracker.state(KEY)).toMatchObject({
      stage: "evaluation",
      since: clock.now(),
      durations: { sync: 60_000, training: 60_000 },
    });
    expect(illegal).toEqual([]);
  });

  it("does not know what came before a history that begins in mid-run", async () => {
    const { bus, tracker, reasons, illegal } = start(["training", "evaluation"]);
    expect(tracker.state(KEY)).toMatchObject({ stage: "promotion", iteration: 3 });
    await turn();
    expect(reasons()).toEqual([["unknown", "training_complete"]]);
    expect(illegal[0]).toMatchObject({
      key: KEY,
      from: "selfplay",
      to: "evaluation",
      replayed: true,
    });
    await bus.publish(TOPICS.promotion, { configKey: KEY, success: true, iteration: 3 });
    expect(illegal).toHaveLength(1);
    expect(tracker.state(KEY)).toMatchObject({ stage: "selfplay", iteration: 4 });
  });

  it("does not take a phase that may run at any time for the beginning", async () => {
    const { reasons } = start(["selfplay", "evaluation", "promotion"]);
    await turn();
    expect(reasons()).toEqual([["unknown", "evaluation_complete"]]);
  });

  it("reports what was wrong after the beginning of the history", async () => {
    const { reasons } = start(["training", "promotion", "evaluation"]);
    await turn();
    expect(reasons()).toEqual([
      ["unknown", "training_complete"],
      ["skipped", "promotion_complete"],
      ["skipped", "evaluation_complete"],
    ]);
  });

  it("tells of the steps in the history when the turn is over, and that they are of the past", async () => {
    const { bus, transitions, tracker } = start(["selfplay", "sync"]);
    expect(transitions).toEqual([]);
    expect(tracker.stats().transitions).toBe(2);
    await turn();
    expect(transitions.map(({ stage, replayed }) => [stage, replayed])).toEqual([
      ["selfplay_complete", true],
      ["sync_complete", true],
    ]);
    await bus.publish(TOPICS.training, { configKey: KEY, success: true, iteration: 3 });
    expect(transitions.at(-1)?.replayed).toBe(false);
  });

  it("knows a phase that is overdue, and tells unless the next step is on its way", () => {
    const limits = { stallAfterMs: { training: 30_000 } };
    const { clock, tracker, stalls } = start(["selfplay", "sync", "started"], 1000, limits);
    expect(tracker.state(KEY)?.stalled).toBe(true);
    expect(stalls).toEqual([]);
    clock.pass(99);
    expect(stalls).toEqual([]);
    clock.pass(1);
    expect(stalls).toMatchObject([{ key: KEY, stage: "training", since: clock.now() - 60_100 }]);
    expect(tracker.stats().stalls).toBe(1);
  });

  it("tells of no stall that ends behind the history", async () => {
    const limits = { stallAfterMs: { training: 30_000 } };
    const { clock, bus, stalls } = start(["selfplay", "sync", "started"], 1000, limits);
    await bus.publish(TOPICS.training, { configKey: KEY, success: true, iteration: 3 });
    clock.pass(HOUR);
    expect(stalls).toEqual([]);
  });

  it("tells of no stall of a phase that is over, and of a running one when its time has come", () => {
    const limits = { stallAfterMs: { sync: 1, training: 90_000 } };
    const { clock, tracker, stalls } = start(["selfplay", "sync", "started"], 1000, limits);
    clock.pass(29_999);
    expect(tracker.state(KEY)?.stalled).toBe(false);
    clock.pass(1);
    expect(stalls.map(({ stage }) => stage)).toEqual(["training"]);
  });

  it("takes what comes again after the history for no second step", async () => {
    const { bus, log, tracker, reasons } = start(["selfplay", "sync", "started", "training"]);
    for (const event of log) await deliver(bus, event, true);
    expect(tracker.state(KEY)).toMatchObject({ stage: "evaluation" });
    expect(tracker.stats()).toMatchObject({ transitions: 4, duplicates: 4 });
    expect(reasons()).toEqual([]);
  });

  it("takes a history that was cut off for no proof that an earlier step is missing", async () => {
    const { bus, tracker, illegal } = start(["selfplay", "sync", "training"], 2);
    await turn();
    await bus.publish(TOPICS.evaluation, { configKey: "other", success: true });
    await bus.publish(TOPICS.promotion, { configKey: "other", success: true });
    expect(tracker.state("other")).toMatchObject({ stage: "selfplay", iteration: 2 });
    const other = illegal.filter(({ key }) => key === "other");
    expect(other.map(({ reason }) => reason)).toEqual(["unknown"]);
  });

  it("still knows a skipped beginning where the history holds all there was", async () => {
    const { bus, reasons } = start(["selfplay", "sync", "training"]);
    await turn();
    await bus.publish(TOPICS.evaluation, { configKey: "other", success: true });
    expect(reasons()).toEqual([["skipped", "evaluation_complete"]]);
  });
});

describe("a tracker with a history", () => {
  it("has one process warning for all keys that begin in mid-run, where nobody asked for it", async () => {
    const warnings = warningsOf(onTestFinished);
    const bus = newBus(selfplayCatalogue);
    const now = Date.now();
    for (const key of ["a", "b", "c"]) fill(bus, logOf(now, ["training"], key));
    fill(bus, logOf(now, ["evaluation", "promotion"], "d"));
    using _ = trackPipeline({ bus, catalogue: selfplayCatalogue }, { clock: new FakeClock() });
    await vi.waitFor(() => expect(warnings.length).toBeGreaterThan(0));
    await turn();
    expect(warnings.map(({ code }) => code)).toEqual(["RINGRIFT_PIPELINE_ILLEGAL"]);
    expect(warnings[0]?.text).toContain("So it is with 3 more of the history.");
  });

  it("lets no callback that throws end the process, and calls the others", async () => {
    const warnings = warningsOf(onTestFinished);
    const { bus, clock } = tracking();
    fill(bus, logOf(clock.now(), ["training", "evaluation"]));
    const transitions: string[] = [];
    using _ = trackPipeline(
      { bus, catalogue: selfplayCatalogue },
      {
        clock,
        onIllegal: () => {
          throw new Error("pager is down");
        },
        onTransition: ({ stage }) => transitions.push(stage),
      },
    );
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]?.text).toContain("pager is down");
    expect(transitions).toEqual(["training_complete", "evaluation_complete"]);
  });

  it("can be asked in its callbacks", async () => {
    const { bus, clock } = tracking();
    fill(bus, logOf(clock.now(), ["selfplay", "sync"]));
    const stages: unknown[] = [];
    const tracker = trackPipeline(
      { bus, catalogue: selfplayCatalogue },
      { clock, onTransition: ({ key }) => stages.push(tracker.state(key)?.stage) },
    );
    onTestFinished(() => tracker.stop());
    await turn();
    expect(stages).toEqual(["training", "training"]);
  });

  it("does not set a key back to what happened before a step that it has seen", async () => {
    const { clock, bus, track, reasons } = tracking();
    const tracker = track();
    const log = logOf(clock.now(), ["sync", "started", "training"]);
    await deliver(bus, logged(TOPICS.evaluation, { configKey: KEY, success: true }, clock.now()));
    fill(bus, log);
    await turn();
    expect(tracker.state(KEY)).toMatchObject({ stage: "promotion", since: clock.now() });
    // Continuous phases run ahead and behind anyway.
    expect(reasons()).toEqual([
      ["skipped", "evaluation_complete"],
      ["late", "training_started"],
      ["late", "training_complete"],
    ]);
  });

  it("hears nothing of a history that is filled when it was stopped", async () => {
    const { clock, bus, track } = tracking();
    const tracker = track();
    tracker.stop();
    fill(bus, logOf(clock.now(), ["selfplay"]));
    await turn();
    expect(tracker.stats()).toMatchObject({ keys: 0, transitions: 0 });
    expect(bus.signals.listenerCount("remembered")).toBe(0);
  });

  it("over a stage bus begins with the results that the bus remembers", async () => {
    const stages = createStageEventBus();
    for (const stage of ["selfplay_complete", "sync_complete", "training_started"] as const) {
      await stages.emit({ stage, success: true, configKey: KEY });
    }
    using tracker = trackPipeline(stages);
    expect(tracker.state(KEY)).toMatchObject({ stage: "training", iteration: 1 });
  });

  it("begins with nothing where the bus keeps none", async () => {
    const bus = createEventBus({ events: selfplayCatalogue.topics, history: false });
    await bus.publish("training.completed", { configKey: KEY } as never);
    using tracker = trackPipeline({ bus, catalogue: selfplayCatalogue });
    expect(tracker.state(KEY)).toBeUndefined();
  });
});

describe("a redelivery", () => {
  const filler = async (bus: ReturnType<typeof newBus>, count: number) => {
    for (let n = 0; n < count; n += 1) {
      await bus.publish(TOPICS.selfplay, { configKey: `other-${n % 100}` });
    }
  };

  it.each([1001, 10_100])("is no second step after %s other events", async (others) => {
    const { clock, bus, track, reasons } = tracking(false);
    const tracker = track();
    const log = logOf(clock.now(), ["selfplay", "sync", "training"]);
    for (const event of log) await deliver(bus, event);
    await filler(bus, others);
    const { transitions } = tracker.stats();
    for (const event of log) await deliver(bus, event, true);
    expect(tracker.state(KEY)).toMatchObject({ stage: "evaluation" });
    expect(tracker.stats()).toMatchObject({ transitions, duplicates: 3 });
    expect(reasons()).toEqual([]);
  });

  it("of an event that was never seen is a step, taken when the event happened", async () => {
    const { clock, bus, track, reasons, stalls } = tracking(1000, {
      stallAfterMs: { training: 1, evaluation: 30_000 },
    });
    const tracker = track();
    for (const event of logOf(clock.now(), ["selfplay", "sync", "training"])) {
      await deliver(bus, event, true);
    }
    expect(tracker.state(KEY)).toMatchObject({
      stage: "evaluation",
      since: clock.now() - 60_000,
      durations: { sync: 60_000, training: 60_000 },
      stalled: true,
    });
    clock.pass(100);
    expect(stalls.map(({ stage }) => stage)).toEqual(["evaluation"]);
    expect(reasons()).toEqual([]);
  });

  it("that is the first thing heard of a key says that there was something before", async () => {
    const { clock, bus, track, reasons } = tracking();
    track();
    const [training] = logOf(clock.now(), ["training"]);
    await deliver(bus, training!, true);
    expect(reasons()).toEqual([["unknown", "training_complete"]]);
  });

  it("that was never seen, and comes behind what was sent after it, sets nothing back", async () => {
    const { clock, bus, track, reasons } = tracking();
    const tracker = track();
    const [started, training, evaluation] = logOf(clock.now(), [
      "started",
      "training",
      "evaluation",
    ]);
    await deliver(bus, logged(TOPICS.selfplay, { configKey: KEY }, clock.now() - HOUR));
    await deliver(bus, logged(TOPICS.sync, { configKey: KEY }, clock.now() - HOUR + 1));
    await deliver(bus, started!);
    await deliver(bus, evaluation!);
    await deliver(bus, training!, true);
    expect(tracker.state(KEY)).toMatchObject({ stage: "promotion", iteration: 3 });
    expect(reasons()).toEqual([
      ["skipped", "evaluation_complete"],
      ["late", "training_complete"],
    ]);
  });
});
