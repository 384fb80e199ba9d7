import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  createLineage,
  currentEvent,
  runDetached,
  runWithEvent,
  runWithEventCleanly,
  runWithEventSync,
} from "../src/index.ts";

describe("the event being handled", () => {
  it("is nobody outside of a handler", () => {
    expect(currentEvent()).toBeUndefined();
  });

  describe.each([{ run: runWithEvent }, { run: runWithEventCleanly }])(
    "in $run.name",
    ({ run }) => {
      it("is known across awaits and timers", async () => {
        const event = createLineage();
        const seen = await run(event, async () => {
          await sleep(1);
          return currentEvent();
        });
        expect(seen).toBe(event);
        expect(currentEvent()).toBeUndefined();
      });

      it("leaves the other contexts of the caller as they are, inside and afterwards", async () => {
        const others = new AsyncLocalStorage<string>();
        const seen = await others.run("mine", async () => {
          const inside = await run(createLineage(), async () => {
            await sleep(1);
            return others.getStore();
          });
          return [inside, others.getStore()];
        });
        expect(seen).toEqual(["mine", "mine"]);
      });

      it("is put back when the handler throws", () => {
        const fail = (): never => {
          throw new Error("boom");
        };
        const outer = createLineage();
        const seen = run(outer, () => {
          expect(() => run(createLineage(), fail)).toThrow("boom");
          return currentEvent();
        });
        expect(seen).toBe(outer);
        expect(currentEvent()).toBeUndefined();
      });
    },
  );

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
