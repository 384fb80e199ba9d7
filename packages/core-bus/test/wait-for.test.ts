import { spawnSync } from "node:child_process";
import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { createEventBus, type Subscription } from "../src/index.ts";

describe("waitFor", () => {
  it("resolves to the next event of a topic or pattern, and ends its subscription", async () => {
    const bus = createEventBus();
    bus.publishSync("a.b", 0);
    const exact = bus.waitFor("a.b");
    const pattern = bus.waitFor("a.*");
    const filtered = bus.waitFor({ topicPattern: /^a/, source: "s" });
    bus.publishSync("a.b", 1);
    bus.publishSync("a.b", 2, { source: "s" });
    expect((await exact).payload).toBe(1);
    expect((await pattern).payload).toBe(1);
    expect((await filtered).payload).toBe(2);
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it("waits for an event that its predicate wants, past one on which it throws", async () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error.cause) });
    const waiting = bus.waitFor("a", { where: (event) => event.payload.n > 1 });
    bus.publishSync("a", null);
    bus.publishSync("a", { n: 1 });
    bus.publishSync("a", { n: 2 });
    expect((await waiting).payload).toEqual({ n: 2 });
    expect(failures).toEqual([expect.any(TypeError)]);
  });

  it("rejects with a code when it has waited long enough", async () => {
    const bus = createEventBus();
    const failure = await bus.waitFor("a.*", { timeoutMs: 5 }).catch((error) => error);
    expect(failure).toMatchObject({ name: "EventBusError", code: "WAIT_TIMEOUT" });
    expect(failure.message).toBe('No event came on "a.*" within 5 ms.');
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it("rejects with the reason of its signal, aborted later or before", async () => {
    const bus = createEventBus();
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const waiting = bus.waitFor("a", { signal: controller.signal });
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(bus.waitFor("a", { signal: controller.signal })).rejects.toBe(reason);
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it("keeps no listener on its signal, however it ended", async () => {
    const bus = createEventBus();
    const { signal } = new AbortController();
    const waiting = bus.waitFor("a", { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    bus.publishSync("a");
    await waiting;
    await bus.waitFor("a", { signal, timeoutMs: 1 }).catch(() => {});
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it.each(["at once", "later"])(
    "rejects when somebody ended its subscription %s, and leaves no listener behind",
    async (when) => {
      const bus = createEventBus();
      const subscriptions: Subscription[] = [];
      bus.signals.on("subscribed", (subscription) => {
        if (when === "at once") subscription();
        subscriptions.push(subscription);
      });
      const { signal } = new AbortController();
      const waiting = bus.waitFor("a", { signal, timeoutMs: 60_000 });
      subscriptions[0]!();
      await expect(waiting).rejects.toMatchObject({ code: "WAIT_ENDED" });
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    },
  );

  it("rejects when the bus is closed", async () => {
    const bus = createEventBus();
    const [failure] = await Promise.all([bus.waitFor("a").catch((error) => error), bus.close()]);
    expect(failure).toMatchObject({ code: "BUS_CLOSED" });
  });

  it("refuses a time that isn't one", async () => {
    const bus = createEventBus();
    for (const timeoutMs of [-1, Number.NaN, 2 ** 31]) {
      await expect(bus.waitFor("a", { timeoutMs })).rejects.toMatchObject({
        code: "INVALID_OPTION",
      });
    }
    expect(bus.stats().subscriptions.all).toBe(0);
  });

  it("without a limit doesn't keep the process alive, nor does anything else that promises no end", () => {
    const source = `
      import { createEventBus } from "@ringrift/core-bus";
      const bus = createEventBus({ handlerTimeoutMs: 600_000 });
      bus.subscribe("**", () => {});
      bus.waitFor("a");
      bus.waitFor("b", { timeoutMs: 600_000 });
      bus.stream("a").next();
      bus.publish("b").then(() => new Promise(() => {}));
      bus.subscribe("c", () => new Promise(() => {}));
      bus.publishSync("c");
      bus.drain();
      console.log("left alone");`;
    const child = spawnSync(
      process.execPath,
      ["--conditions=@ringrift/source", "--input-type=module", "--eval", source],
      { cwd: import.meta.dirname, timeout: 25_000, encoding: "utf8" },
    );
    expect([child.stdout, child.stderr, child.status]).toEqual(["left alone\n", "", 0]);
  });
});
