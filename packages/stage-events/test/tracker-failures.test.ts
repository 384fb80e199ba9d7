import { createEventBus } from "@ringrift/core-bus";
import { defineCatalogue, event, named } from "@ringrift/mappings";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  createStageEventBus,
  definePipeline,
  type IllegalTransition,
  toTopicEvent,
  trackPipeline,
  type Transition,
} from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { warningsOf } from "./past.ts";

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
    failure: "edit.failed",
  }),
  "mix.completed": named<{ videoId: string }>()({
    stages: ["mix_complete"],
    failure: "edit.failed",
  }),
  "edit.failed": event<{ videoId?: string; error: string }>(),
  "upload.failed": event<{ videoId: string }>(),
});
const pipeline = definePipeline({
  catalogue: videos,
  stages: {
    ingest: { complete: "ingest_complete" },
    cut: { complete: "cut_complete" },
    mix: { complete: "mix_complete" },
  },
  order: ["ingest", "cut", "mix"],
  key: "videoId",
});

function overTopics() {
  const bus = createEventBus({ events: videos.topics });
  const transitions: Transition[] = [];
  const illegal: IllegalTransition[] = [];
  const tracker = trackPipeline(
    { bus, catalogue: videos, pipeline },
    {
      clock: new FakeClock(),
      onTransition: (transition) => transitions.push(transition),
      onIllegal: (transition) => illegal.push(transition),
    },
  );
  onTestFinished(() => tracker.stop());
  return { bus, tracker, transitions, illegal };
}

describe("a failure or rejection whose topic is a plain event", () => {
  it.each([
    ["no file", { rejected: false, error: "no file" }],
    [undefined, { rejected: true, error: undefined }],
  ])("is what it is on the stage bus (error: %s)", async (error, failure) => {
    const { bus, tracker } = overTopics();
    const stages = createStageEventBus({ pipeline });
    using direct = trackPipeline(stages, { clock: new FakeClock() });
    const { event: emitted } = await stages.emit({
      stage: "ingest_complete",
      success: false,
      videoId: "v1",
      ...(error !== undefined && { error }),
    });
    const { topic, payload, metadata } = toTopicEvent(videos, emitted.payload)!;
    await bus.publish(topic as "ingest.failed", payload as never, { metadata });
    expect(tracker.state("v1")).toMatchObject({
      stage: "ingest",
      failure: { stage: "ingest_complete", ...failure },
    });
    expect(tracker.state("v1")).toEqual(direct.state("v1"));
  });

  it("is a transition when it was published as an event of its own", async () => {
    const { bus, tracker, transitions, illegal } = overTopics();
    await bus.publish("ingest.failed", { videoId: "v1", error: "no file" });
    expect(tracker.state("v1")).toMatchObject({
      stage: "ingest",
      failure: { stage: "ingest.failed", error: "no file", rejected: false },
    });
    await bus.publish("ingest.rejected", { videoId: "v1" });
    expect(tracker.state("v1")).toMatchObject({
      stage: "ingest",
      iteration: 2,
      failure: { stage: "ingest.rejected", rejected: true },
    });
    expect(transitions.map(({ meaning }) => meaning)).toEqual(["failed", "rejected"]);
    expect(illegal).toEqual([]);
    expect(tracker.stats()).toMatchObject({ transitions: 2, unmapped: 0 });
  });

  it("is one of the phase that is running where several phases share it", async () => {
    const { bus, tracker, illegal } = overTopics();
    await bus.publish("ingest.completed", { videoId: "v1" });
    await bus.publish("cut.completed", { videoId: "v1" });
    await bus.publish("edit.failed", { videoId: "v1", error: "no sound" });
    expect(tracker.state("v1")).toMatchObject({ stage: "mix", failure: { error: "no sound" } });
    expect(illegal).toEqual([]);
  });

  it("is nothing to the pipeline where none of its phases fails so", async () => {
    const { bus, tracker } = overTopics();
    await bus.publish("upload.failed", { videoId: "v1" });
    expect(tracker.state("v1")).toBeUndefined();
    expect(tracker.stats()).toMatchObject({ outside: 0, unmapped: 0 });
  });

  it("that names no key is counted and warned of once a topic, and touches nobody's state", async () => {
    const warnings = warningsOf(onTestFinished);
    const { bus, tracker } = overTopics();
    await bus.publish("edit.failed", { error: "no sound" });
    await bus.publish("edit.failed", { error: "no picture" });
    expect(tracker.stats()).toMatchObject({ keys: 0, unmapped: 2, transitions: 0 });
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]?.code).toBe("RINGRIFT_PIPELINE_UNMAPPED");
    expect(warnings[0]?.text).toContain('"edit.failed"');
  });

  it("that comes from a stage without a key is one of the run `default`", async () => {
    const { bus, tracker } = overTopics();
    await bus.publish(
      "edit.failed",
      { error: "no sound" },
      { metadata: { stage: "cut_complete" } },
    );
    expect(tracker.state("default")).toMatchObject({
      stage: "cut",
      failure: { stage: "cut_complete" },
    });
    expect(tracker.stats().unmapped).toBe(0);
  });
});
