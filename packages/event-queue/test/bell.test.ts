import { describe, expect, test } from "vitest";
import { Bell, longPoll } from "../src/backend.ts";

describe("a bell", () => {
  test("wakes everybody who waits", async () => {
    const bell = new Bell();
    const waits = [bell.wait(0), bell.wait(0)];
    bell.ring();
    await Promise.all(waits);
    expect(bell.version).toBe(1);
  });

  test("that rang between looking and waiting doesn't let anybody wait", async () => {
    const bell = new Bell();
    const seen = bell.version;
    bell.ring();
    await bell.wait(seen);
    expect(bell.version).toBe(1);
  });

  test("rejects waits when it is closed, and those to come", async () => {
    const bell = new Bell();
    const reason = new Error("closed");
    const waiting = bell.wait(0);
    bell.close(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(bell.wait(bell.version)).rejects.toBe(reason);
  });

  test("rejects with the reason of a signal that isn't an error, as the cause of one", async () => {
    const controller = new AbortController();
    const waiting = new Bell().wait(0, { signal: controller.signal });
    controller.abort("enough");
    await expect(waiting).rejects.toMatchObject({ cause: "enough" });
  });
});

describe("a long poll", () => {
  test("looks again at each ring, and when something is due", async () => {
    const bell = new Bell();
    let looks = 0;
    const take = async (): Promise<{ items: number[]; retryInMs?: number }> => {
      looks += 1;
      if (looks === 1) {
        setImmediate(() => bell.ring());
        return { items: [] };
      }
      return looks === 2 ? { items: [], retryInMs: 5 } : { items: [looks] };
    };
    expect(await longPoll({ bell, take, waitMs: 20_000 })).toEqual([3]);
  });

  test("looks once when it may not wait", async () => {
    let looks = 0;
    const take = async (): Promise<{ items: number[] }> => {
      looks += 1;
      return { items: [] };
    };
    expect(await longPoll({ bell: new Bell(), take, waitMs: 0 })).toEqual([]);
    expect(looks).toBe(1);
  });

  test("rejects with what the look rejects with", async () => {
    const failure = new Error("no file");
    const take = async (): Promise<{ items: number[] }> => {
      throw failure;
    };
    await expect(longPoll({ bell: new Bell(), take, waitMs: 1_000 })).rejects.toBe(failure);
  });
});
