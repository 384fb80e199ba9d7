import { createLineage, passedVia } from "@ringrift/envelope";
import { describe, expect, it, vi } from "vitest";
import { createStageEventBus } from "../src/index.ts";
import { codeOf, done, gate } from "./emitting.ts";

describe("a stage result", () => {
  it("reaches the handlers of its stage, with its fields and its flag", async () => {
    const stages = createStageEventBus();
    const seen: unknown[] = [];
    stages.subscribe("training_complete", (result) => seen.push(result));
    stages.subscribe("evaluation_complete", (result) => seen.push(result));
    const { delivered } = await stages.emit({
      stage: "training_complete",
      success: true,
      configKey: "hex7_2p",
      iteration: 3,
      metrics: { accuracy: 0.85 },
    });
    expect(delivered).toBe(1);
    expect(seen).toEqual([
      {
        stage: "training_complete",
        success: true,
        configKey: "hex7_2p",
        iteration: 3,
        metrics: { accuracy: 0.85 },
      },
    ]);
  });

  it("that failed reaches them under the same stage, with its error", async () => {
    const stages = createStageEventBus();
    const seen: unknown[] = [];
    stages.subscribe("evaluation_complete", ({ success, error }) => seen.push({ success, error }));
    await stages.emit({ stage: "evaluation_complete", success: false, error: "out of memory" });
    expect(seen).toEqual([{ success: false, error: "out of memory" }]);
  });

  it("is a frozen copy without the fields that were undefined", async () => {
    const stages = createStageEventBus();
    const given = { ...done, configKey: undefined, modelPath: "v3.pth" };
    // @ts-expect-error the compiler refuses the undefined already
    const { event } = await stages.emit(given);
    given.modelPath = "changed.pth";
    expect(event.payload).toStrictEqual({ ...done, modelPath: "v3.pth" });
    expect(Object.isFrozen(event.payload)).toBe(true);
  });

  it("carries the message of an Error, since errors don't travel", async () => {
    const stages = createStageEventBus();
    await stages.emit({
      stage: "sync_complete",
      success: false,
      error: new Error("checksum mismatch"),
    });
    expect(stages.getHistory()[0]?.error).toBe("checksum mismatch");
  });

  it("has its metadata as the metadata of its event", async () => {
    const stages = createStageEventBus();
    const { event } = await stages.emit({ ...done, metadata: { host: "gpu-1" } });
    expect(event.metadata).toEqual({ host: "gpu-1" });
  });
});

describe("the event of a result", () => {
  it("is the handler's second argument, the same for all of them", async () => {
    const stages = createStageEventBus();
    const ids: string[] = [];
    stages.subscribe("training_complete", (_, event) => ids.push(event.id));
    stages.subscribe("training_complete", (_, event) => ids.push(event.id));
    const { event } = await stages.emit(done, { source: "trainer", correlationId: "run-7" });
    expect(ids).toEqual([event.id, event.id]);
    expect(event).toMatchObject({ source: "trainer", correlationId: "run-7" });
  });

  it("is the cause of what its handlers emit, also after an await and behind another handler", async () => {
    const stages = createStageEventBus();
    const waited = gate();
    stages.subscribe("training_complete", () => waited.opened);
    stages.subscribe("training_complete", async () => {
      await Promise.resolve();
      await stages.emit({ stage: "evaluation_complete", success: true });
    });
    const emitting = stages.emit(done);
    waited.open();
    const { event } = await emitting;
    const [evaluated] = stages.bus.getHistory({ topic: "evaluation_complete" });
    expect(evaluated?.causationId).toBe(event.id);
    expect(evaluated?.correlationId).toBe(event.correlationId);
  });

  it("keeps the identity that a bridge gives it", async () => {
    const stages = createStageEventBus();
    const lineage = createLineage({ source: "elsewhere" });
    const { event } = await stages.emit(done, { lineage });
    expect(event).toMatchObject({ id: lineage.id, time: lineage.time, source: "elsewhere" });
    expect(event.via).toContain(stages.id);
  });

  it("is not delivered again on a bus that it has passed", async () => {
    const stages = createStageEventBus();
    const handler = vi.fn<() => void>();
    stages.subscribe("training_complete", handler);
    const lineage = passedVia(createLineage(), stages.id);
    expect(await stages.emit(done, { lineage })).toMatchObject({ dropped: "echo", delivered: 0 });
    expect(handler).not.toHaveBeenCalled();
  });
});

describe("emit refuses", () => {
  const stages = createStageEventBus();

  it("a result without a success flag, rather than guessing one", async () => {
    // @ts-expect-error success is missing
    expect(await codeOf(stages.emit({ stage: "training_complete" }))).toBe("MISSING_SUCCESS");
    // @ts-expect-error a text is no flag
    expect(await codeOf(stages.emit({ stage: "training_complete", success: "yes" }))).toBe(
      "MISSING_SUCCESS",
    );
  });

  it("a failure stage that says it succeeded", async () => {
    expect(await codeOf(stages.emit({ stage: "training_failed", success: true }))).toBe(
      "SUCCESSFUL_FAILURE",
    );
    expect(await codeOf(stages.emit({ stage: "promotion_rejected", success: true }))).toBe(
      "SUCCESSFUL_FAILURE",
    );
  });

  it("another bus's spelling, and says which stage was meant", async () => {
    // @ts-expect-error a topic is not a stage
    await expect(stages.emit({ stage: "training.completed", success: true })).rejects.toThrow(
      'On the stage bus that is "training_complete".',
    );
  });

  it("a mistyped stage, and suggests the nearest instead of listing all of them", async () => {
    // @ts-expect-error not a stage
    const typo = stages.emit({ stage: "trainig_complete", success: true });
    await expect(typo).rejects.toThrow(
      '"trainig_complete" is not a stage. Did you mean "training_complete"?',
    );
    // @ts-expect-error not a stage
    const nothingNear = stages.emit({ stage: "weather", success: true });
    await expect(nothingNear).rejects.toThrow(/None of the \d+ stages is near it/);
  });

  it.each(["constructor", "__proto__", "no_such_stage", 7, undefined])(
    "the stage %j",
    async (stage) => {
      // @ts-expect-error not a stage
      expect(await codeOf(stages.emit({ stage, success: true }))).toBe("UNKNOWN_STAGE");
    },
  );

  it.each([null, "training_complete", [], 7])("%j, which is no result", async (result) => {
    // @ts-expect-error not a result
    expect(await codeOf(stages.emit(result))).toBe("INVALID_RESULT");
  });

  it("an error or metadata that cannot travel", async () => {
    // @ts-expect-error a number is no error
    expect(await codeOf(stages.emit({ ...done, error: 5 }))).toBe("INVALID_RESULT");
    // @ts-expect-error a text is no metadata
    expect(await codeOf(stages.emit({ ...done, metadata: "gpu-1" }))).toBe("INVALID_RESULT");
  });

  it("and leaves no trace in the history", () => {
    expect(stages.getHistory()).toEqual([]);
  });
});

describe("subscribe", () => {
  it("gives a handler that is subscribed already the same subscription", async () => {
    const stages = createStageEventBus();
    const handler = vi.fn<() => void>();
    const first = stages.subscribe("training_complete", handler);
    expect(stages.subscribe("training_complete", handler)).toBe(first);
    await stages.emit(done);
    expect(handler).toHaveBeenCalledOnce();
  });

  it("takes one handler for several stages", async () => {
    const stages = createStageEventBus();
    const seen: string[] = [];
    const handler = ({ stage }: { readonly stage: string }): void => void seen.push(stage);
    stages.subscribe("training_complete", handler);
    stages.subscribe("training_failed", handler);
    await stages.emit(done);
    await stages.emit({ stage: "training_failed", success: false, error: "NaN loss" });
    expect(seen).toEqual(["training_complete", "training_failed"]);
  });

  it("takes a handler anew after its subscription ended", async () => {
    const stages = createStageEventBus();
    const handler = vi.fn<() => void>();
    stages.subscribe("training_complete", handler)();
    expect(stages.subscribe("training_complete", handler).active).toBe(true);
    await stages.emit(done);
    expect(handler).toHaveBeenCalledOnce();
  });

  it("ends with its signal, its disposal, or unsubscribe, which says whether there was one", async () => {
    const stages = createStageEventBus();
    const handler = vi.fn<() => void>();
    const controller = new AbortController();
    stages.subscribe("training_complete", handler, { signal: controller.signal });
    controller.abort();
    expect(stages.unsubscribe("training_complete", handler)).toBe(false);
    {
      using _ = stages.subscribe("training_complete", handler);
    }
    stages.subscribe("training_complete", handler);
    expect(stages.unsubscribe("training_complete", handler)).toBe(true);
    await stages.emit(done);
    expect(handler).not.toHaveBeenCalled();
    expect(stages.stats().subscribers).toBe(0);
  });

  it("calls a method with its owner as this", async () => {
    const stages = createStageEventBus();
    const owner = { seen: 0 };
    stages.subscribe(
      "training_complete",
      function (this: typeof owner) {
        this.seen += 1;
      },
      { owner },
    );
    await stages.emit(done);
    expect(owner.seen).toBe(1);
  });

  it("lives as long as its owner, although the handler refers to it", async () => {
    const stages = createStageEventBus();
    const subscribeTransient = (): void => {
      const owner = { seen: 0 };
      stages.subscribe("training_complete", () => (owner.seen += 1), { owner });
    };
    subscribeTransient();
    expect(stages.stats().subscribers).toBe(1);
    await vi.waitFor(async () => {
      globalThis.gc?.();
      await new Promise(setImmediate);
      expect(stages.stats().subscribers).toBe(0);
    });
    expect((await stages.emit(done)).delivered).toBe(0);
  });

  it("replays what was emitted before, when it is asked to", async () => {
    const stages = createStageEventBus();
    await stages.emit({ ...done, iteration: 1 });
    await stages.emit({ ...done, iteration: 2 });
    const seen: unknown[] = [];
    stages.subscribe("training_complete", ({ iteration }) => seen.push(iteration), {
      replay: true,
    });
    await stages.emit({ ...done, iteration: 3 });
    expect(seen).toEqual([1, 2, 3]);
  });

  it("throws on what is no stage", () => {
    const stages = createStageEventBus();
    // @ts-expect-error a queue name is not a stage
    expect(() => stages.subscribe("TRAINING_COMPLETED", () => {})).toThrow(
      'On the stage bus that is "training_complete".',
    );
  });
});
