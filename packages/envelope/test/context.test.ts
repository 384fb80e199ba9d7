import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  createLineage,
  currentEvent,
  runDetached,
  runWithEvent,
  runWithEventSync,
} from "../src/index.ts";

describe("the event being handled", () => {
  it("is nobody outside of a handler", () => {
    expect(currentEvent()).toBeUndefined();
  });

  it("is known across awaits and timers", async () => {
    const event = createLineage();
    const seen = await runWithEvent(event, async () => {
      await sleep(1);
      return currentEvent();
    });
    expect(seen).toBe(event);
    expect(currentEvent()).toBeUndefined();
  });

  it("is the innermost of nested ones, whichever carrier holds it", () => {
    const [outer, inner] = [createLineage(), createLineage()];
    const seen = runWithEvent(outer, () =>
      runWithEventSync(inner, () => [currentEvent(), runWithEvent(outer, currentEvent)]),
    );
    expect(seen).toEqual([inner, outer]);
  });

  it("is carried by the synchronous form for the synchronous part only", async () => {
    const event = createLineage();
    const [during, after] = await runWithEventSync(event, async () => {
      const during = currentEvent();
      await sleep(1);
      return [during, currentEvent()];
    });
    expect(during).toBe(event);
    expect(after).toBeUndefined();
  });

  it("is put back when the handler throws", () => {
    expect(() =>
      runWithEventSync(createLineage(), () => {
        throw new Error("boom");
      }),
    ).toThrow("boom");
    expect(currentEvent()).toBeUndefined();
  });

  it("is nobody in a detached trail, also when that outlives the handler", async () => {
    const event = createLineage();
    const later = runWithEvent(event, () =>
      runDetached(async () => {
        await sleep(1);
        return currentEvent();
      }),
    );
    expect(await later).toBeUndefined();
    expect(runWithEventSync(event, () => runDetached(currentEvent))).toBeUndefined();
  });
});
