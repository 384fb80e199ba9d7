import { describe, expect, it } from "vitest";
import { createStageEventBus, trackPipeline } from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";

const HOSTILE = "\u001b]0;pwn\u0007\u001b[2J\u202e\nINFO forged";
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

describe("a text from outside is written out", () => {
  it("in what a tracker says of an illegal step, a stall and a dropped key", async () => {
    const messages: string[] = [];
    const clock = new FakeClock();
    const stages = createStageEventBus();
    const note = ({ message }: { message: string }): void => void messages.push(message);
    using tracker = trackPipeline(stages, {
      clock,
      maxKeys: 1,
      stallAfterMs: { training: 10 },
      onIllegal: note,
      onStall: note,
      onDrop: note,
    });
    const emit = (stage: "selfplay_complete" | "sync_complete" | "evaluation_complete") =>
      stages.emit({ stage, success: true, configKey: HOSTILE });
    await emit("selfplay_complete");
    await emit("sync_complete");
    clock.pass(11);
    await stages.emit({
      stage: "training_complete",
      success: false,
      configKey: HOSTILE,
      error: HOSTILE,
    });
    clock.pass(11);
    await emit("selfplay_complete");
    await stages.emit({ stage: "selfplay_complete", success: true, configKey: "other" });
    expect(tracker.stats().keys).toBe(1);
    expect(messages).toHaveLength(3);
    for (const message of messages) {
      expect(message).not.toMatch(UNSEEN);
      expect(message).toContain("\\nINFO forged");
    }
  });

  it("in the process warning of a tracker that tells nobody else", async () => {
    const listeners = process.listeners("warning");
    process.removeAllListeners("warning");
    const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
    const stages = createStageEventBus();
    using tracker = trackPipeline(stages);
    await stages.emit({ stage: "promotion_complete", success: true, configKey: HOSTILE });
    const { message } = await warned;
    for (const listener of listeners) process.on("warning", listener);
    expect(tracker.stats().illegal).toBe(1);
    expect(message).not.toMatch(UNSEEN);
  });

  it("in errors about stages, results and options", async () => {
    const stages = createStageEventBus();
    const messages = await Promise.all(
      [
        () => stages.emit({ stage: HOSTILE, success: true } as never),
        () => stages.emit({ stage: "sync_complete", success: HOSTILE as never, configKey: "k" }),
        () => stages.emit(HOSTILE as never),
        async () => stages.subscribe(HOSTILE as never, () => {}),
        async () => createStageEventBus({ [HOSTILE]: 1 } as never),
        async () => trackPipeline(stages, { stallAfterMs: { [HOSTILE]: 1 } as never }),
      ].map(async (fail) => {
        const failure = await fail().then(
          () => undefined,
          (cause: Error) => cause,
        );
        return failure?.message;
      }),
    );
    for (const message of messages) {
      expect(message).toEqual(expect.any(String));
      expect(message).not.toMatch(UNSEEN);
    }
  });
});
