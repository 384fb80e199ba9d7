import { type HandlerError } from "@ringrift/core-bus";
import { defineCatalogue, named } from "@ringrift/mappings";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createStageEventBus, getStageEventBus, resetStageEventBus } from "../src/index.ts";
import { codeOf, done, gate } from "./emitting.ts";

describe("emit", () => {
  it("calls handlers one after another, by priority and then in the order of subscription", async () => {
    const stages = createStageEventBus();
    const order: string[] = [];
    const handler = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise(setImmediate);
      order.push(`${name} ends`);
    };
    stages.subscribe("training_complete", handler("first"));
    stages.subscribe("training_complete", handler("second"));
    stages.subscribe("training_complete", handler("urgent"), { priority: 1 });
    await stages.emit(done);
    expect(order).toEqual([
      "urgent begins",
      "urgent ends",
      "first begins",
      "first ends",
      "second begins",
      "second ends",
    ]);
  });

  it("goes on after a handler that fails, and reports the failure everywhere", async () => {
    const reported: HandlerError[] = [];
    const stages = createStageEventBus({ onError: (error) => reported.push(error) });
    const cause = new Error("no disk");
    stages.subscribe("training_complete", async function upload() {
      throw cause;
    });
    const after = vi.fn<() => void>();
    stages.subscribe("training_complete", after);
    const { delivered, errors, event } = await stages.emit(done);
    expect(after).toHaveBeenCalledOnce();
    expect(delivered).toBe(1);
    expect(errors.map((error) => error.cause)).toEqual([cause]);
    expect(reported.map((error) => error.cause)).toEqual([cause]);
    expect(stages.getCallbackErrors()).toMatchObject([
      { stage: "training_complete", handler: "upload", error: cause, event: { id: event.id } },
    ]);
  });

  it("does not take a synchronous handler for a failed one", async () => {
    const stages = createStageEventBus();
    stages.subscribe("training_complete", () => "done");
    expect(await stages.emit(done)).toMatchObject({ delivered: 1, errors: [] });
  });

  it("does not skip the next handler when one ends its own subscription", async () => {
    const stages = createStageEventBus();
    const next = vi.fn<() => void>();
    const leave = (): void => void stages.unsubscribe("training_complete", leave);
    stages.subscribe("training_complete", leave);
    stages.subscribe("training_complete", next);
    await stages.emit(done);
    expect(next).toHaveBeenCalledOnce();
  });

  it("does not call a handler whose subscription ended while it waited for its turn", async () => {
    const stages = createStageEventBus();
    const last = vi.fn<() => void>();
    stages.subscribe("training_complete", async () => {
      await Promise.resolve();
      stages.unsubscribe("training_complete", last);
    });
    stages.subscribe("training_complete", last);
    const { delivered } = await stages.emit(done);
    expect(last).not.toHaveBeenCalled();
    expect(delivered).toBe(1);
    expect(stages.stats().delivered).toBe(1);
  });

  it("calls a once handler for one of many concurrent emits, also when it waits for its turn", async () => {
    const stages = createStageEventBus();
    const handler = vi.fn<() => void>();
    stages.subscribe("training_complete", () => Promise.resolve());
    stages.subscribe("training_complete", handler, { once: true });
    await Promise.all(Array.from({ length: 20 }, () => stages.emit(done)));
    expect(handler).toHaveBeenCalledOnce();
  });

  it("resolves although nobody listens", async () => {
    expect(await createStageEventBus().emit(done)).toMatchObject({ delivered: 0, errors: [] });
  });
});

describe("emitAndWait", () => {
  it("starts all handlers at once and keeps what they return, in the order of their call", async () => {
    const stages = createStageEventBus();
    const both = gate();
    let begun = 0;
    const meet = (name: string) => async () => {
      begun += 1;
      if (begun === 2) both.open();
      await both.opened;
      return name;
    };
    stages.subscribe("training_complete", meet("a"), { name: "first" });
    stages.subscribe("training_complete", meet("b"), { name: "second" });
    expect(await stages.emitAndWait(done)).toEqual({
      result: done,
      results: [
        { handler: "first", status: "fulfilled", value: "a" },
        { handler: "second", status: "fulfilled", value: "b" },
      ],
      delivered: 2,
      timedOut: false,
      pending: 0,
    });
  });

  it("keeps the results that are there when the time is up", async () => {
    const stages = createStageEventBus();
    const never = gate();
    stages.subscribe("training_complete", () => "quick");
    stages.subscribe("training_complete", () => never.opened);
    const outcome = await stages.emitAndWait(done, { timeoutMs: 20 });
    expect(outcome).toMatchObject({
      results: [{ status: "fulfilled", value: "quick" }],
      delivered: 1,
      timedOut: true,
      pending: 1,
    });
    never.open();
  });

  it("reports a failure as emit does, in time or after it", async () => {
    const onError = vi.fn<() => void>();
    const stages = createStageEventBus({ onError });
    const late = gate();
    const early = new Error("early");
    const afterwards = new Error("late");
    stages.subscribe("training_complete", () => {
      throw early;
    });
    stages.subscribe("training_complete", async () => {
      await late.opened;
      throw afterwards;
    });
    const { results, timedOut } = await stages.emitAndWait(done, { timeoutMs: 20 });
    expect(results).toMatchObject([{ status: "rejected", reason: early }]);
    expect(timedOut).toBe(true);
    late.open();
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(2));
    expect(stages.getCallbackErrors().map(({ error }) => error)).toEqual([afterwards, early]);
  });

  it("writes history like emit", async () => {
    const stages = createStageEventBus();
    await stages.emitAndWait(done);
    expect(stages.getHistory()).toEqual([done]);
  });

  it("refuses what emit refuses, and a timeout that is none", async () => {
    const stages = createStageEventBus();
    // @ts-expect-error success is missing
    expect(await codeOf(stages.emitAndWait({ stage: "training_complete" }))).toBe(
      "MISSING_SUCCESS",
    );
    expect(await codeOf(stages.emitAndWait(done, { timeoutMs: -1 }))).toBe("INVALID_OPTION");
  });
});

describe("the history of a stage bus", () => {
  it("is newest first, by stage and limit", async () => {
    const stages = createStageEventBus();
    for (const iteration of [1, 2, 3]) await stages.emit({ ...done, iteration });
    await stages.emit({ stage: "evaluation_complete", success: true });
    expect(
      stages.getHistory({ stage: "training_complete", limit: 2 }).map((r) => r.iteration),
    ).toEqual([3, 2]);
    expect(stages.getHistory()[0]?.stage).toBe("evaluation_complete");
  });

  it("keeps as many as historySize says, 100 by default", async () => {
    const small = createStageEventBus({ historySize: 2 });
    const standard = createStageEventBus();
    for (let iteration = 0; iteration < 105; iteration += 1) {
      await small.emit({ ...done, iteration });
      await standard.emit({ ...done, iteration });
    }
    expect(small.getHistory().map((r) => r.iteration)).toEqual([104, 103]);
    expect(standard.getHistory({ limit: 1000 })).toHaveLength(100);
  });
});

describe("the figures of a stage bus", () => {
  it("count emits, calls, failures and subscribers by stage", async () => {
    const stages = createStageEventBus({ onError: () => {} });
    stages.subscribe("training_complete", () => {});
    stages.subscribe("training_complete", () => {
      throw new Error("no");
    });
    stages.subscribe("sync_complete", () => {});
    await stages.emit(done);
    expect(stages.stats()).toMatchObject({
      emitted: 1,
      delivered: 1,
      failed: 1,
      subscribers: 3,
      subscribersByStage: { training_complete: 2, sync_complete: 1 },
      historySize: 1,
    });
  });

  it("keep the newest hundred failures and the number of all", async () => {
    const stages = createStageEventBus({ onError: () => {} });
    stages.subscribe("training_complete", ({ iteration }) => {
      throw new Error(String(iteration));
    });
    for (let iteration = 0; iteration < 105; iteration += 1) {
      await stages.emit({ ...done, iteration });
    }
    const errors = stages.getCallbackErrors({ limit: 1000 });
    expect(errors).toHaveLength(100);
    expect(errors[0]?.error).toEqual(new Error("104"));
    expect(stages.getCallbackErrors()).toHaveLength(20);
    expect(stages.stats().failed).toBe(105);
  });
});

describe("a stage bus", () => {
  it("has a process warning for a failure that nobody takes", async () => {
    const stages = createStageEventBus();
    const warned = Promise.withResolvers<Error & { code?: string }>();
    process.once("warning", warned.resolve);
    stages.subscribe("training_complete", () => {
      throw new Error("unheard");
    });
    await stages.emit(done);
    expect((await warned.promise).code).toBe("RINGRIFT_HANDLER_ERROR");
  });

  it("closes: running handlers end, further emits are refused, the history stays", async () => {
    const stages = createStageEventBus();
    const held = gate();
    stages.subscribe("training_complete", () => held.opened);
    const emitting = stages.emit(done);
    const closing = stages.close();
    held.open();
    expect(await closing).toEqual({ drained: true, left: 0 });
    expect((await emitting).delivered).toBe(1);
    expect(await codeOf(stages.emit(done))).toBe("BUS_CLOSED");
    expect(await stages.close()).toEqual({ drained: true, left: 0 });
    expect(stages.getHistory()).toEqual([done]);
  });

  it("takes the stages of any catalogue", async () => {
    const shop = defineCatalogue({
      "parcel.sent": named<{ id: string }>()({ stages: ["shipped"], failure: "parcel.lost" }),
      "parcel.lost": named<{ id: string }>()({ stages: ["lost"] }),
    });
    const stages = createStageEventBus({ catalogue: shop });
    await stages.emit({ stage: "shipped", success: true, id: "p1" });
    expect(stages.getHistory()).toEqual([{ stage: "shipped", success: true, id: "p1" }]);
    expect(await codeOf(stages.emit({ stage: "lost", success: true }))).toBe("SUCCESSFUL_FAILURE");
    expect(stages.pipeline).toBeUndefined();
  });

  it("refuses an option it doesn't know", () => {
    // @ts-expect-error the option is historySize
    expect(() => createStageEventBus({ history: 100 })).toThrow('Option "history" is unknown');
  });
});

describe("the default stage bus", () => {
  afterEach(resetStageEventBus);

  it("is one for the process until it is reset", async () => {
    const first = getStageEventBus();
    expect(getStageEventBus()).toBe(first);
    resetStageEventBus();
    expect(getStageEventBus()).not.toBe(first);
    expect(await codeOf(first.emit(done))).toBe("BUS_CLOSED");
  });
});
