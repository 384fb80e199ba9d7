import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { currentScope, type DeliveryScope, runDetached, runInScope } from "../src/index.ts";

const scope = (): DeliveryScope => ({ child: () => undefined, isLeased: false });

describe("the scope of a delivery", () => {
  it("is none outside of a handler, and known across awaits inside", async () => {
    const one = scope();
    expect(currentScope()).toBeUndefined();
    const seen = await runInScope(one, async () => {
      await sleep(1);
      return currentScope();
    });
    expect(seen).toBe(one);
  });

  it("is the innermost, and is left with undefined and by runDetached", async () => {
    const [outer, inner] = [scope(), scope()];
    await runInScope(outer, async () => {
      expect(runInScope(inner, currentScope)).toBe(inner);
      expect(runInScope(undefined, currentScope)).toBeUndefined();
      expect(
        await runDetached(async () => {
          await sleep(1);
          return currentScope();
        }),
      ).toBeUndefined();
      expect(currentScope()).toBe(outer);
    });
  });
});
