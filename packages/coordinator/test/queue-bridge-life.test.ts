import type { EventQueue } from "@ringrift/event-queue";
import { MemoryLog } from "@ringrift/event-queue";
import { injectFaults } from "@ringrift/event-queue/testing";
import { describe, expect, it } from "vitest";
import { createQueueBridge } from "../src/index.ts";
import {
  atRest,
  idsOf,
  makeBridge,
  numbered,
  openQueue,
  startBridge,
  until,
} from "./bridge-lab.ts";

describe("a bridge's start and stop", () => {
  it("may be called again, in any order", async () => {
    const [from, to] = [openQueue(), openQueue()];
    const bridge = makeBridge({ from, to });
    expect(bridge.stats()).toEqual({ running: false, forward: undefined, backward: undefined });
    expect((await bridge.health()).problems).toMatchObject([{ code: "BRIDGE_STOPPED" }]);
    expect(await bridge.stop()).toEqual({ drained: true, left: 0 });
    await Promise.all([bridge.start(), bridge.start()]);
    await bridge.start();
    expect(bridge.stats().running).toBe(true);
    await Promise.all([bridge.stop(), bridge.start(), bridge.stop()]);
    await bridge.stop();
    expect(bridge.stats().running).toBe(false);
    await bridge.start();
    const { id } = await from.send("A_X", {});
    await atRest(from);
    expect(await idsOf(to)).toEqual([id]);
    await bridge.close();
    await bridge[Symbol.asyncDispose]();
    await expect(bridge.start()).rejects.toMatchObject({ code: "BRIDGE_CLOSED" });
    await from.send("A_X", {});
    expect(await idsOf(to)).toEqual([id]);
  });

  it("stay bounded while the other queue never answers, and what was under way comes again", async () => {
    const [source, target] = [new MemoryLog(), new MemoryLog()];
    const [from, to] = [openQueue({ log: source }), openQueue({ log: target })];
    const bridge = await startBridge({ from, to, leaseMs: 50 });
    const faults = injectFaults(to);
    await faults.end();
    await from.sendMany(numbered(3));
    await until(() => bridge.stats().forward?.inFlight === 3);
    const began = performance.now();
    const [slow, quick] = await Promise.all([bridge.stop(), bridge.stop({ timeoutMs: 50 })]);
    expect([slow, quick]).toEqual([
      { drained: false, left: 3 },
      { drained: false, left: 3 },
    ]);
    expect(performance.now() - began).toBeLessThan(2_000);
    await startBridge({ from, to: openQueue({ log: target }), leaseMs: 50 });
    await atRest(from);
    expect(await idsOf(openQueue({ log: target }))).toEqual(await idsOf(from));
  });

  it("are cut off as often as may be, and make no dead letter of what was under way", async () => {
    const [source, target] = [new MemoryLog(), new MemoryLog()];
    const a = openQueue({ log: source });
    const { id } = await a.send("A_X", {});
    for (let deaths = 0; deaths < 8; deaths += 1) {
      const [from, to] = [openQueue({ log: source }), openQueue({ log: target })];
      const bridge = await startBridge({ from, to, leaseMs: 20 });
      await injectFaults(to).end();
      await until(() => bridge.stats().forward?.inFlight === 1);
      await injectFaults(from).end();
    }
    await startBridge({ from: a, to: openQueue({ log: target }), leaseMs: 20 });
    await atRest(a);
    expect(await idsOf(openQueue({ log: target }))).toEqual([id]);
    expect(await a.deadLetters.list()).toEqual([]);
  });

  it("waits for a start that hangs no longer than it may", async () => {
    const [from, to] = [openQueue(), openQueue()];
    await injectFaults(to).end();
    const bridge = makeBridge({ from, to });
    void bridge.start();
    expect(await bridge.stop({ timeoutMs: 20 })).toEqual({ drained: true, left: 0 });
  });

  it("gives back at once what it holds of a queue that takes nothing", async () => {
    const log = new MemoryLog();
    const [from, to] = [openQueue(), openQueue({ log, maxBacklog: 1, backlogWaitMs: 1 })];
    await to.group("slow").ensure();
    await openQueue({ log }).sendMany(numbered(2));
    const bridge = await startBridge({ from, to, onError: () => {} });
    await from.sendMany(numbered(5));
    await until(async () => (await bridge.health()).problems.length > 0);
    expect(await bridge.stop()).toEqual({ drained: true, left: 0 });
    expect(await from.groups.list()).toMatchObject([{ pending: 5, inFlight: 0, retrying: 0 }]);
  });

  it("leave its health to be asked, also of a queue that doesn't answer", async () => {
    const [from, to] = [openQueue(), openQueue()];
    const faults = injectFaults(from);
    const bridge = await startBridge({ from, to });
    await atRest(from);
    expect(await bridge.health()).toEqual({ ok: true, problems: [] });
    faults.loseNextAnswer();
    expect((await bridge.health()).problems).toMatchObject([{ code: "BRIDGE_UNKNOWN" }]);
  });

  it("resolves when the bridge misses nothing any more, on both sides", async () => {
    const [a, b] = [openQueue(), openQueue()];
    await (await startBridge({ from: a, to: b, both: true, startFrom: "now" })).stop();
    await a.send("A_X", { n: 1 });
    await b.send("A_X", { n: 2 });
    await startBridge({ from: a, to: b, both: true, startFrom: "now" });
    await atRest(a, b);
    expect(await idsOf(a)).toHaveLength(2);
    expect(await idsOf(b)).toHaveLength(2);
  });
});

describe("a bridge refuses", () => {
  const [from, to] = [openUnclosed(), openUnclosed()];
  function openUnclosed(): EventQueue {
    return new Proxy({} as EventQueue, { get: () => () => undefined });
  }

  it.each<[what: string, options: object, code: string, text: string]>([
    ["one queue on both sides", { to: from }, "INVALID_OPTION", "are the same queue"],
    ["what isn't a queue", { to: "data/events.db" }, "INVALID_OPTION", '"to" is "data/events.db"'],
    ["no queue", { from: undefined }, "INVALID_OPTION", '"from" is "undefined"'],
    ["no name", { name: "" }, "INVALID_OPTION", 'Option "name" is ""'],
    ["a long name", { name: "x".repeat(65) }, "INVALID_OPTION", "Give 1 to 64"],
    ["an empty list of types", { types: [] }, "INVALID_OPTION", "at least one type"],
    ["a malformed type", { types: ["a b"] }, "INVALID_TYPE", '"a b"'],
    ["a misspelt option", { boht: true }, "INVALID_OPTION", '"both"'],
    ["what isn't true or false", { both: "yes" }, "INVALID_OPTION", '"both" is "yes"'],
    ["a malformed start", { startFrom: "end" }, "INVALID_START", "end"],
    ["no concurrency", { concurrency: 0 }, "INVALID_OPTION", '"concurrency"'],
    ["a lease of no time", { leaseMs: 0 }, "INVALID_OPTION", '"leaseMs"'],
    ["what can't be told", { onError: "log" }, "INVALID_OPTION", '"onError" is "log"'],
  ])("%s", (_, options, code, text) => {
    const make = (): unknown => createQueueBridge({ name: "b", from, to, ...options });
    expect(make).toThrow(expect.objectContaining({ code }));
    expect(make).toThrow(text);
  });

  it("two instances of one queue, when it starts", async () => {
    const log = new MemoryLog();
    const [one, other] = [openQueue({ log }), openQueue({ log })];
    const bridge = makeBridge({ from: one, to: other });
    await expect(bridge.start()).rejects.toMatchObject({ code: "SAME_QUEUE" });
    await expect(bridge.start()).rejects.toThrow(await one.id());
    expect(await one.groups.list()).toEqual([]);
    expect(bridge.stats().running).toBe(false);
  });

  it("a queue that is closed, when it starts", async () => {
    const [from, to] = [openQueue(), openQueue()];
    await to.close();
    await expect(makeBridge({ from, to }).start()).rejects.toMatchObject({ code: "QUEUE_CLOSED" });
  });
});
