import { describe, expect, it } from "vitest";
import { createEventBus } from "../src/index.ts";

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("subscriptions that catch up at the same time", () => {
  it("each get everything, whatever their speed", async () => {
    const bus = createEventBus({ delivery: "parallel" });
    for (let n = 0; n < 10; n += 1) bus.publishSync("a", n);
    const seen = [0, 1, 3].map((pause) => {
      const own: number[] = [];
      bus.subscribe(
        "a",
        async (event) => {
          for (let turn = 0; turn < pause; turn += 1) await tick();
          own.push(event.payload);
        },
        { replay: true },
      );
      return own;
    });
    await Promise.all(Array.from({ length: 10 }, (_, n) => bus.publish("a", n + 10)));
    const all = Array.from({ length: 20 }, (_, n) => n);
    expect(seen).toEqual([all, all, all]);
  });

  it.each([2, 3, 5])("end, where %i of them publish to each other in a circle", async (count) => {
    const bus = createEventBus();
    const seen: string[] = [];
    for (let n = 0; n < count; n += 1) bus.publishSync(`ring.${n}`, "past");
    for (let n = 0; n < count; n += 1) {
      bus.subscribe(
        `ring.${n}`,
        async (event) => {
          seen.push(`${n} ${event.payload}`);
          if (event.payload !== "past") return;
          await tick();
          await bus.publish(`ring.${(n + 1) % count}`, "live");
          seen.push(`${n} published`);
        },
        { replay: true },
      );
    }
    expect(await bus.drain({ timeoutMs: 5000 })).toEqual({ drained: true, left: 0 });
    const numbers = Array.from({ length: count }, (_, n) => n);
    expect(seen.toSorted()).toEqual(
      numbers.flatMap((n) => [`${n} live`, `${n} past`, `${n} published`]),
    );
    expect(bus.stats()).toMatchObject({ failed: 0, delivered: 2 * count });
  });

  it("wait for each other where nothing goes round", async () => {
    const bus = createEventBus();
    bus.publishSync("first", "past");
    bus.publishSync("second", "past");
    const seen: string[] = [];
    bus.subscribe(
      "first",
      async () => {
        const { delivered } = await bus.publish("second", "live");
        seen.push(`first, ${delivered} delivered`);
      },
      { replay: true },
    );
    bus.subscribe(
      "second",
      async (event) => {
        for (let turn = 0; turn < 3; turn += 1) await tick();
        seen.push(`second ${event.payload}`);
      },
      { replay: true },
    );
    const { delivered } = await bus.publish("first", "live");
    expect(delivered).toBe(1);
    await bus.drain();
    expect(seen).toContain("first, 1 delivered");
    expect(bus.stats().pending).toBe(0);
  });
});
