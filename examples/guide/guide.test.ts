import { describe, expect, it } from "vitest";
import { openQueueOf, runExample } from "../harness/run-example.ts";

/** Runs a block of the guide and checks what every one of them owes: it ends well, and complains of nothing. */
async function runBlock(name: string): ReturnType<typeof runExample> {
  const finished = await runExample(`guide/${name}`);
  expect({ code: finished.code, stderr: finished.stderr }).toEqual({ code: 0, stderr: "" });
  return finished;
}

describe("every code block of the guide does what the guide says", () => {
  it("core event bus: both the decorated and the pattern handler are called, with the metadata", async () => {
    const { lines } = await runBlock("core-event-bus");
    expect(lines).toEqual([
      "Training done: { loss: 0.01 }",
      "Any training event: training.completed",
      "Handlers called: 2",
    ]);
  });

  it("stage event bus: a completed stage reaches who listens, and the history", async () => {
    const { lines } = await runBlock("stage-event-bus");
    expect(lines).toEqual([
      "Stage: training_complete success: true metrics: { accuracy: 0.85 }",
      "Stages so far: [ 'training_complete' ]",
    ]);
  });

  it("cross-process queue: what was sent is received, and stands in the file", async () => {
    const finished = await runBlock("cross-process-queue");
    expect(finished.lines).toEqual(["Received: TRAINING_COMPLETED { config: 'hex8_2p' }"]);
    const stored = await openQueueOf(finished, "data/events.db").history();
    expect(stored).toMatchObject([
      { position: 1, type: "TRAINING_COMPLETED", payload: { config: "hex8_2p" } },
    ]);
  });

  it("event mappings: names are translated as in the guide's examples and its table", async () => {
    const { lines } = await runBlock("event-mappings");
    expect(lines).toEqual([
      "training_complete → training_completed",
      "training_completed → TRAINING_COMPLETED",
      "selfplay_complete → new_games",
      "training_completed → TRAINING_COMPLETED",
      "evaluation_complete → EVALUATION_COMPLETED",
    ]);
  });

  it("coordinator: events are forwarded in all three directions, each once", async () => {
    const finished = await runBlock("coordinator");
    // Two processes write, so only the content of the lines is certain.
    expect(finished.lines.toSorted()).toEqual([
      "CrossProcess → Data: model.promoted v3 1850",
      "Data → CrossProcess: ELO_UPDATED",
      "Data → CrossProcess: TRAINING_COMPLETED",
      "Forwarded: { stageToTopic: 1, topicToQueue: 2, queueToTopic: 1 }",
      "Process A sent MODEL_PROMOTED",
      "Stage → Data: training.completed hex8_2p",
    ]);
    const stored = await openQueueOf(finished, "data/events.db").history();
    expect(stored.map((event) => event.type)).toEqual([
      "TRAINING_COMPLETED",
      "ELO_UPDATED",
      "MODEL_PROMOTED",
    ]);
  });

  it("several topics: the RegExp's topics reach the handler, others don't", async () => {
    const { lines } = await runBlock("subscribe-to-multiple-topics");
    expect(lines).toEqual([
      "Training event: training.started",
      "Training event: training.completed",
      "Promotion controller notified of { configKey: 'hex8_2p' }",
    ]);
  });

  it("cross-process communication: process B receives what process A sent", async () => {
    const finished = await runBlock("cross-process-communication");
    expect(finished.lines).toEqual(["Process A sent MODEL_PROMOTED", "Process B syncs model v3"]);
    const stored = await openQueueOf(finished, "data/events.db").history();
    expect(stored).toMatchObject([
      { type: "MODEL_PROMOTED", payload: { modelId: "v3", elo: 1850 } },
    ]);
  });

  it("event history: newest first to look at, oldest first to replay", async () => {
    const { lines } = await runBlock("event-history");
    expect(lines).toEqual([
      "History: [ { loss: 0.1 }, { loss: 0.2 }, { loss: 0.3 } ]",
      "Replayed: { loss: 0.3 }",
      "Replayed: { loss: 0.2 }",
      "Replayed: { loss: 0.1 }",
      "Events replayed: 3",
    ]);
  });
});
