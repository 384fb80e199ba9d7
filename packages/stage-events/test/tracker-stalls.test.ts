import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  createStageEventBus,
  type SelfplayPhase,
  type Stall,
  StageEventsError,
  trackPipeline,
} from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { KEY, tracked } from "./tracked.ts";

describe("a stall", () => {
  it("is reported once when a phase takes too long, and is over with the next step", async () => {
    const { clock, emit, tracker, stalls } = tracked({ stallAfterMs: { training: 60_000 } });
    await emit("selfplay_complete");
    await emit("sync_complete");
    const since = clock.now();
    clock.pass(59_999);
    expect(tracker.state(KEY)?.stalled).toBe(false);
    clock.pass(1);
    clock.pass(600_000);
    expect(stalls).toMatchObject([{ key: KEY, stage: "training", iteration: 1, since }]);
    expect(tracker.state(KEY)?.stalled).toBe(true);
    await emit("training_complete");
    expect(tracker.state(KEY)?.stalled).toBe(false);
    expect(tracker.stats().stalls).toBe(1);
  });

  it("is measured anew after a failure, and then names it", async () => {
    const { clock, emit, fail, stalls } = tracked({ stallAfterMs: { training: 60_000 } });
    await emit("selfplay_complete");
    await emit("sync_complete");
    clock.pass(50_000);
    await fail("training_failed", "out of memory");
    clock.pass(50_000);
    expect(stalls).toEqual([]);
    clock.pass(10_000);
    expect(stalls).toMatchObject([{ failure: { error: "out of memory" } }]);
    expect(stalls[0]?.message).toContain('after "training_failed" (out of memory)');
  });

  it("does not happen in phases without a limit", async () => {
    const { clock, emit, stalls } = tracked({ stallAfterMs: { training: 60_000 } });
    await emit("selfplay_complete");
    clock.pass(1e9);
    expect(stalls).toEqual([]);
  });

  it("is not put off by a continuous phase that goes on", async () => {
    const { clock, emit, stalls } = tracked({ stallAfterMs: { training: 60_000 } });
    await emit("selfplay_complete");
    await emit("sync_complete");
    clock.pass(40_000);
    await emit("selfplay_complete");
    clock.pass(20_000);
    expect(stalls).toHaveLength(1);
  });

  it("is a process warning where nobody asked for it", async () => {
    const clock = new FakeClock();
    const stages = createStageEventBus();
    using _ = trackPipeline(stages, { clock, stallAfterMs: { sync: 1000 } });
    const warned = Promise.withResolvers<Error & { code?: string }>();
    process.once("warning", warned.resolve);
    await stages.emit({ stage: "selfplay_complete", success: true, configKey: KEY });
    clock.pass(1000);
    expect((await warned.promise).code).toBe("RINGRIFT_PIPELINE_STALLED");
  });

  it("whose callback throws does not end the process, and is still told", async () => {
    const warnings: string[] = [];
    const listen = (warning: Error & { code?: string }): void =>
      void warnings.push(warning.message);
    process.on("warning", listen);
    onTestFinished(() => void process.off("warning", listen));
    const { clock, emit } = tracked({
      stallAfterMs: { sync: 1000 },
      onStall: () => {
        throw new Error("pager is down");
      },
    });
    await emit("selfplay_complete");
    clock.pass(1000);
    await vi.waitFor(() => expect(warnings.join()).toContain("pager is down"));
    expect(warnings.join()).toContain('has been in "sync"');
  });

  it("works by the system's clock as well", async () => {
    const stages = createStageEventBus();
    const stalled = Promise.withResolvers<Stall<SelfplayPhase>>();
    using tracker = trackPipeline(stages, {
      stallAfterMs: { sync: 10 },
      onStall: stalled.resolve,
    });
    await stages.emit({ stage: "selfplay_complete", success: true, configKey: KEY });
    expect(await stalled.promise).toMatchObject({ key: KEY, stage: "sync" });
    expect(tracker.state(KEY)?.stalled).toBe(true);
  });
});

describe("a tracker", () => {
  it("does not keep the process alive while it waits for a stall", async () => {
    const stages = createStageEventBus();
    using _ = trackPipeline(stages, { stallAfterMs: { sync: 3_600_000 } });
    const alive = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout");
    const before = alive().length;
    await stages.emit({ stage: "selfplay_complete", success: true, configKey: KEY });
    expect(alive()).toHaveLength(before);
  });

  it("that is stopped takes no further step, waits for no stall, and keeps its states", async () => {
    const { clock, emit, tracker, stalls } = tracked({ stallAfterMs: { sync: 1000 } });
    await emit("selfplay_complete");
    tracker.stop();
    tracker.stop();
    expect(clock.pending).toBe(0);
    await emit("sync_complete");
    clock.pass(1000);
    expect(stalls).toEqual([]);
    expect(tracker.state(KEY)?.stage).toBe("sync");
  });

  it("refuses a limit for what is no phase, or that is no time", () => {
    const stages = createStageEventBus();
    // @ts-expect-error a stage is not a phase
    expect(() => trackPipeline(stages, { stallAfterMs: { training_complete: 1 } })).toThrow(
      StageEventsError,
    );
    expect(() => trackPipeline(stages, { stallAfterMs: { training: 0 } })).toThrow(
      StageEventsError,
    );
  });
});
