import { createEventBus } from "@ringrift/core-bus";
import type { MemoryEventQueue } from "@ringrift/event-queue";
import { defineCatalogue, event, named } from "@ringrift/mappings";
import {
  createStageEventBus,
  definePipeline,
  type IllegalTransition,
  type Stall,
  trackPipeline,
} from "@ringrift/stage-events";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createCoordinator } from "../src/index.ts";
import { openLog, settle } from "./nodes.ts";

const videos = defineCatalogue({
  "ingest.completed": named<{ videoId: string }>()({
    stages: ["ingest_complete"],
    failure: "ingest.failed",
    rejection: "ingest.rejected",
  }),
  "ingest.failed": event<{ videoId: string; error: string }>(),
  "ingest.rejected": event<{ videoId: string }>(),
  "cut.completed": named<{ videoId: string }>()({
    stages: ["cut_complete"],
    failure: "ingest.failed",
  }),
  "publish.completed": named<{ videoId: string }>()({
    stages: ["publish_complete"],
    failure: "ingest.failed",
  }),
});
const pipeline = definePipeline({
  catalogue: videos,
  stages: {
    ingest: { complete: "ingest_complete" },
    cut: { complete: "cut_complete" },
    publish: { complete: "publish_complete" },
  },
  order: ["ingest", "cut", "publish"],
  terminal: ["publish", "ingest.rejected"],
  key: "videoId",
});
type Stage = "cut_complete" | "ingest_complete" | "publish_complete";

interface ProcessOptions {
  readonly node?: string;
  readonly history?: number;
  /** Whether the tracker is made before the coordinator starts. */
  readonly early?: boolean;
  readonly stallAfterMs?: { readonly cut: number };
}

/** A process on the log: a coordinator, and a tracker of everything that its bus brings. */
async function startProcess(queue: MemoryEventQueue, options: ProcessOptions = {}) {
  const { node = "tracker", history = 1000, early = true, stallAfterMs } = options;
  const bus = createEventBus({ events: videos.topics, history });
  const stages = createStageEventBus({ pipeline });
  const events = createCoordinator({
    catalogue: videos,
    queue,
    bus,
    stages,
    node,
    catchUp: { history: true },
  });
  const illegal: IllegalTransition[] = [];
  const stalls: Stall[] = [];
  const track = () =>
    trackPipeline(
      { bus, catalogue: videos, pipeline },
      {
        stallAfterMs,
        onIllegal: (transition) => illegal.push(transition),
        onStall: (stall) => stalls.push(stall),
      },
    );
  const first = early ? track() : undefined;
  await events.start();
  const tracker = first ?? track();
  const end = async () => {
    tracker.stop();
    await events.close();
  };
  onTestFinished(end);
  /** Ends when it has read what it wrote itself: all of it is in the history of its successor then. */
  const endSettled = async () => {
    await settle(queue);
    await end();
  };
  const emit = async (videoId: string, ...names: Stage[]) => {
    for (const stage of names) await stages.emit({ stage, success: true, videoId });
  };
  return { bus, stages, events, tracker, illegal, stalls, emit, end, endSettled };
}

describe("a tracker over a coordinator's bus", () => {
  it("sees failures and rejections whose topics are plain events, here and in other processes", async () => {
    const queue = openLog();
    const here = await startProcess(queue, { node: "here" });
    const there = await startProcess(queue, { node: "there" });
    await here.stages.emit({
      stage: "ingest_complete",
      success: false,
      videoId: "v1",
      error: "gone",
    });
    await here.stages.emit({ stage: "ingest_complete", success: false, videoId: "v2" });
    for (const { tracker } of [here, there]) {
      await vi.waitFor(() => expect(tracker.stats().transitions).toBe(2));
      expect(tracker.state("v1")).toMatchObject({
        stage: "ingest",
        done: false,
        failure: { stage: "ingest_complete", error: "gone", rejected: false },
      });
      expect(tracker.state("v2")).toMatchObject({ done: true, failure: { rejected: true } });
    }
    expect([...here.illegal, ...there.illegal]).toEqual([]);
  });
});

describe.each([true, false])("a tracker made before the coordinator starts: %s", (early) => {
  it("knows after a restart what it knew before, and goes on from there", async () => {
    const queue = openLog();
    const first = await startProcess(queue, { early });
    await first.emit("v1", "ingest_complete", "cut_complete");
    await first.emit("v2", "ingest_complete", "cut_complete", "publish_complete");
    await first.stages.emit({
      stage: "cut_complete",
      success: false,
      videoId: "v3",
      error: "dark",
    });
    const before = first.tracker.states();
    await first.endSettled();

    const second = await startProcess(queue, { early });
    expect(second.tracker.states().size).toBe(3);
    for (const [key, { stage, iteration, failure, done, since, durations }] of before) {
      const after = second.tracker.state(key);
      expect(after).toMatchObject({ stage, iteration, done, stalled: false });
      expect(after?.failure?.error).toBe(failure?.error);
      // The first tracker took the time of arrival, the second one that of the event.
      expect(Math.abs((after?.since ?? 0) - since)).toBeLessThan(1000);
      expect(Object.keys(after?.durations ?? {})).toEqual(Object.keys(durations));
    }
    // What v3 did before its failure is not in the log: the first process could only call it skipped.
    expect(first.illegal.map(({ key, reason }) => [key, reason])).toEqual([["v3", "skipped"]]);
    expect(second.illegal.map(({ key, reason }) => [key, reason])).toEqual([["v3", "unknown"]]);
    await second.emit("v1", "publish_complete");
    expect(second.tracker.state("v1")).toMatchObject({ stage: "publish", done: true });
    expect(second.illegal).toHaveLength(1);
  });

  it("does not know what came before a history that begins in mid-run", async () => {
    const queue = openLog();
    const first = await startProcess(queue, { early });
    await first.emit("v1", "ingest_complete", "cut_complete");
    await first.endSettled();
    const second = await startProcess(queue, { early, history: 1 });
    expect(second.tracker.state("v1")).toMatchObject({ stage: "publish" });
    await second.emit("v1", "publish_complete");
    expect(second.illegal.map(({ reason, stage }) => [reason, stage])).toEqual([
      ["unknown", "cut_complete"],
    ]);
  });

  it("reports a phase that has been running for too long since before the restart", async () => {
    const queue = openLog();
    const first = await startProcess(queue, { early });
    await first.emit("v1", "ingest_complete");
    await first.emit("v2", "ingest_complete", "cut_complete");
    await first.endSettled();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const second = await startProcess(queue, { early, stallAfterMs: { cut: 30 } });
    expect(second.tracker.state("v1")).toMatchObject({ stage: "cut", stalled: true });
    await vi.waitFor(() => expect(second.stalls.map(({ key }) => key)).toEqual(["v1"]));
  });

  it("goes on with what the queue brings behind the history", async () => {
    const queue = openLog();
    const first = await startProcess(queue, { early });
    await first.emit("v1", "ingest_complete");
    await settle(queue);
    await first.emit("v1", "cut_complete");
    // It has not read its last event back: its successor gets that as a redelivery.
    await first.end();
    const second = await startProcess(queue, { early });
    await vi.waitFor(() => expect(second.tracker.state("v1")?.stage).toBe("publish"));
    expect(second.tracker.stats().transitions).toBe(2);
    expect(second.illegal).toEqual([]);
  });

  it("takes what the queue delivers again after the restart for no second step", async () => {
    const queue = openLog();
    const first = await startProcess(queue, { early });
    await first.emit("v1", "ingest_complete", "cut_complete");
    const [newest] = first.bus.getHistory({ topic: "cut.completed" });
    await first.endSettled();
    const second = await startProcess(queue, { early });
    const { id, time, source, origin, correlationId } = newest!;
    const lineage = { id, time, source, origin, correlationId, via: [] };
    await second.bus.publish("cut.completed", { videoId: "v1" }, { lineage, redelivered: true });
    expect(second.tracker.state("v1")).toMatchObject({ stage: "publish" });
    expect(second.tracker.stats()).toMatchObject({ transitions: 2, duplicates: 1 });
    expect(second.illegal).toEqual([]);
  });
});
