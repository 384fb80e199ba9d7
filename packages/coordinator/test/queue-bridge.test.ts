import { createLineage, newEventId } from "@ringrift/envelope";
import { MemoryLog, PermanentError } from "@ringrift/event-queue";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  atRest,
  idsOf,
  logOf,
  makeBridge,
  numbered,
  numbersOf,
  openQueue,
  sleep,
  startBridge,
  until,
} from "./bridge-lab.ts";

describe("a bridge between two queues", () => {
  it("carries an event with its id, payload, key, headers and lineage, and adds the queue that it left", async () => {
    const [from, to] = [openQueue(), openQueue()];
    await startBridge({ from, to });
    const parent = createLineage();
    const lineage = {
      ...createLineage({ source: "shop", parent, traceparent: "00-0af7-b7ad-01" }),
      via: ["bus-1"],
    };
    const payload = { cents: 1, deep: [{ "10": null, a: "ä" }], "": -1.5e-7 };
    const headers = { tenant: "t1", "ringrift-metadata": '{"m":1}' };
    const sent = await from.send("ORDER_PLACED", payload, { key: "k1", headers, lineage });
    await atRest(from, to);
    const { position: _, storedAt: __, ...event } = sent;
    const [carried] = await logOf(to);
    expect(carried).toMatchObject({ ...event, via: ["bus-1", await from.id()] });
    expect(Object.keys(carried ?? {}).toSorted()).toEqual(Object.keys(sent).toSorted());
    expect(await logOf(from)).toEqual([sent]);
  });

  it("carries one way, or both", async () => {
    const [a, b] = [openQueue(), openQueue()];
    const oneWay = await startBridge({ from: a, to: b });
    const there = await a.send("A_X", { n: 1 });
    const here = await b.send("A_X", { n: 2 });
    await atRest(a, b);
    expect(await idsOf(a)).toEqual([there.id]);
    expect((await idsOf(b)).toSorted()).toEqual([there.id, here.id].toSorted());
    expect(oneWay.stats()).toMatchObject({ running: true, forward: { forwarded: 1 } });
    expect(oneWay.stats().backward).toBeUndefined();
    await oneWay.close();

    const both = await startBridge({ from: a, to: b, both: true });
    await atRest(a, b);
    expect(await idsOf(a)).toEqual([there.id, here.id]);
    expect(both.stats()).toMatchObject({
      forward: { forwarded: 0, skipped: { echo: 1 } },
      backward: { forwarded: 1, skipped: { echo: 1 } },
    });
  });

  it("begins at the beginning, or where it is told; and later goes on where it was", async () => {
    const [a, b, c] = [openQueue(), openQueue(), openQueue()];
    await a.send("A_X", { n: 1 });
    await startBridge({ from: a, to: b });
    const late = await startBridge({ from: a, to: c, startFrom: "now" });
    await a.send("A_X", { n: 2 });
    await atRest(a);
    expect(numbersOf(await logOf(b))).toEqual([1, 2]);
    await late.close();
    await a.send("A_X", { n: 3 });
    await startBridge({ from: a, to: c, startFrom: "now" });
    await atRest(a);
    expect(numbersOf(await logOf(c))).toEqual([2, 3]);
  });

  it("carries what was stored on either side while it was away", async () => {
    const [a, b] = [openQueue(), openQueue()];
    await (await startBridge({ from: a, to: b, both: true })).close();
    await a.sendMany(numbered(500));
    await b.sendMany(numbered(500));
    await startBridge({ from: a, to: b, both: true });
    await atRest(a, b);
    const ids = await idsOf(a);
    expect(ids).toHaveLength(1_000);
    expect(new Set(await idsOf(b))).toEqual(new Set(ids));
  });

  it("loses nothing and adds nothing over stops and starts while others send", async () => {
    const [a, b] = [openQueue(), openQueue()];
    const bridge = await startBridge({ from: a, to: b, both: true });
    let sent = 0;
    let isOver = false;
    const sending = (async () => {
      for (; !isOver; sent += 2) {
        await a.send("A_X", {});
        await b.send("A_X", {});
        await sleep(1);
      }
    })();
    for (let round = 0; round < 10; round += 1) {
      await sleep(10);
      expect(await bridge.stop()).toEqual({ drained: true, left: 0 });
      await sleep(3);
      await bridge.start();
    }
    isOver = true;
    await sending;
    await atRest(a, b);
    const ids = await idsOf(a);
    expect(ids).toHaveLength(sent);
    expect(new Set(await idsOf(b))).toEqual(new Set(ids));
  });

  it("carries events of its types only, and names no other to its group", async () => {
    const [from, to] = [openQueue(), openQueue()];
    const bridge = await startBridge({ from, to, types: ["A_X", "HOST_ONLINE"] });
    for (const type of ["A_X", "B_X", "HOST_ONLINE", "HOST_OFFLINE"]) await from.send(type, {});
    await atRest(from);
    expect((await logOf(to)).map(({ type }) => type)).toEqual(["A_X", "HOST_ONLINE"]);
    expect(await from.groups.list()).toMatchObject([
      { name: bridge.stats().forward?.group, eventTypes: ["A_X", "HOST_ONLINE"] },
    ]);
  });

  it("leaves to each queue what concerns its own nodes, unless it is named", async () => {
    const [from, to] = [openQueue(), openQueue()];
    const bridge = await startBridge({ from, to });
    const internal = [
      "HOST_ONLINE",
      "HOST_OFFLINE",
      "LEADER_ELECTED",
      "CLUSTER_NODE_JOINED",
      "COORDINATOR_OVERDUE",
      "RINGRIFT_ALARM",
    ];
    for (const type of [...internal, "A_X"]) await from.send(type, {});
    await atRest(from);
    expect((await logOf(to)).map(({ type }) => type)).toEqual(["A_X"]);
    expect(bridge.stats().forward?.skipped).toEqual({ echo: 0, internal: 6 });
  });

  it("keeps the order of a key, and of the log where nothing comes again", async () => {
    const [a, b, c] = [openQueue(), openQueue(), openQueue()];
    await startBridge({ from: a, to: b, concurrency: 7 });
    await startBridge({ from: b, to: c, concurrency: 50 });
    await a.sendMany(numbered(200));
    await a.sendMany(numbered(300, (n) => ({ key: `key-${n % 5}` })));
    await atRest(a, b, c);
    const events = await logOf(c);
    const unkeyed = numbersOf(events.filter(({ key }) => key === undefined));
    expect(unkeyed).toEqual(Array.from({ length: 200 }, (_, n) => n));
    for (let key = 0; key < 5; key += 1) {
      expect(numbersOf(events.filter((event) => event.key === `key-${key}`))).toEqual(
        Array.from({ length: 60 }, (_, n) => 5 * n + key),
      );
    }
  });

  it("carries a delayed event when it enters the log; no dead letters, and no dedupe keys", async () => {
    const [from, to] = [openQueue(), openQueue()];
    await startBridge({ from, to });
    await from.send("A_X", { n: 1 }, { delayMs: 80, dedupeKey: "once" });
    await atRest(from);
    expect(await logOf(to)).toEqual([]);
    await from.send("A_X", { n: 2 });
    const [leased] = await from.group("g", { eventTypes: ["A_X"] }).receive();
    await leased?.nack({ reason: new PermanentError("no") });
    await until(async () => (await logOf(to)).length === 2);
    expect(numbersOf(await logOf(to))).toEqual([2, 1]);
    expect(await to.deadLetters.list()).toEqual([]);
    expect(await to.send("A_X", { n: 3 }, { dedupeKey: "once" })).not.toHaveProperty("duplicate");
  });

  it("makes nothing a child of the event in whose handler it was started", async () => {
    const [from, to] = [openQueue(), openQueue()];
    const bridge = makeBridge({ from, to });
    const { promise: started, resolve } = Promise.withResolvers<void>();
    await from.send("A_X", { n: 1 });
    from.consume({ group: "g" }, async () => {
      await bridge.start();
      resolve();
    });
    await started;
    await from.send("A_X", { n: 2 });
    await atRest(from);
    expect((await logOf(to)).map(({ causationId }) => causationId)).toEqual([undefined, undefined]);
  });
});

describe("several bridges", () => {
  it("of one name share the work; of two names they are redundant, and nothing is doubled", async () => {
    const [from, to] = [new MemoryLog(), new MemoryLog()];
    const [a, b] = [openQueue({ log: from }), openQueue({ log: to })];
    const bridges = [];
    for (const name of ["one", "one", "two"]) {
      const ends = { from: openQueue({ log: from }), to: openQueue({ log: to }) };
      bridges.push(await startBridge({ name, both: true, concurrency: 10, ...ends }));
    }
    for (let round = 0; round < 20; round += 1) {
      await a.sendMany(numbered(20));
      await b.sendMany(numbered(20));
      await sleep(1);
    }
    await atRest(a, b);
    const ids = await idsOf(a);
    expect(ids).toHaveLength(800);
    expect(new Set(await idsOf(b))).toEqual(new Set(ids));
    const counts = bridges.map((bridge) => bridge.stats().forward ?? expect.fail());
    const [one, other, two] = counts.map(({ forwarded, duplicates }) => forwarded + duplicates);
    expect((one ?? 0) + (other ?? 0)).toBe(two);
    expect(Math.min(one ?? 0, other ?? 0)).toBeGreaterThan(0);
    expect(counts.reduce((sum, { forwarded }) => sum + forwarded, 0)).toBe(400);
  });

  it("of one name from one queue to two others carry everything to both", async () => {
    const [a, b, c] = [openQueue(), openQueue(), openQueue()];
    await startBridge({ from: a, to: b, both: true });
    await startBridge({ from: a, to: c, both: true });
    await a.sendMany(numbered(20));
    await b.send("A_X", { n: 20 });
    await atRest(a, b, c);
    for (const queue of [a, b, c]) expect(await idsOf(queue)).toHaveLength(21);
  });

  it.each([false, true])("in a ring of three queues end, both ways: %s", async (both) => {
    const ring = [openQueue(), openQueue(), openQueue()] as const;
    const [a, b, c] = ring;
    const bridges = [
      await startBridge({ name: "ab", from: a, to: b, both }),
      await startBridge({ name: "bc", from: b, to: c, both }),
      await startBridge({ name: "ca", from: c, to: a, both }),
    ];
    for (const queue of ring) await queue.sendMany(numbered(10));
    await atRest(...ring);
    const ids = new Set(await idsOf(a));
    expect(ids.size).toBe(30);
    for (const queue of ring) {
      expect(await idsOf(queue)).toHaveLength(30);
      expect(new Set(await idsOf(queue))).toEqual(ids);
    }
    const before = bridges.map((bridge) => bridge.stats());
    await sleep(30);
    expect(bridges.map((bridge) => bridge.stats())).toEqual(before);
  });

  it("bring no event back to a queue whose retention has removed it", async () => {
    let now = Date.now();
    const log = new MemoryLog({ retentionMs: 1_000, now: () => now });
    const [a, b, c] = [openQueue({ log }), openQueue(), openQueue()];
    await startBridge({ name: "ab", from: a, to: b });
    await startBridge({ name: "bc", from: b, to: c });
    const { id } = await a.send("A_X", {});
    await atRest(a, b);
    expect(await idsOf(c)).toEqual([id]);
    now += 2_000;
    expect(await idsOf(a)).toEqual([]);
    const back = await startBridge({ name: "ca", from: c, to: a });
    await atRest(c);
    expect(await idsOf(a)).toEqual([]);
    expect((await logOf(c))[0]?.via).toEqual([await a.id(), await b.id()]);
    expect(back.stats().forward).toMatchObject({ forwarded: 0, skipped: { echo: 1 } });
  });
});

describe("what the other queue doesn't take", () => {
  it("waits, and is tried again until it can: never a dead letter, told once, and shown by health", async () => {
    const log = new MemoryLog();
    const [from, to] = [openQueue(), openQueue({ log, maxBacklog: 1, backlogWaitMs: 1 })];
    const held = openQueue({ log }).group("slow");
    await held.ensure();
    const errors: unknown[] = [];
    const bridge = await startBridge({ from, to, onError: (error) => errors.push(error) });
    await from.sendMany(numbered(1));
    await atRest(from);
    await from.sendMany(numbered(30));
    await until(
      async () => (await bridge.health()).problems[0]?.message.includes("2 times") === true,
    );
    const { problems } = await bridge.health();
    expect(problems).toMatchObject([
      { code: "BRIDGE_BLOCKED", severity: "error", subject: bridge.stats().forward?.group },
    ]);
    expect(problems[0]?.message).toContain("30 wait");
    expect(errors).toMatchObject([{ code: "BRIDGE_BLOCKED", cause: { code: "BACKLOG_FULL" } }]);

    await openQueue({ log }).groups.remove("slow");
    await atRest(from);
    expect(await idsOf(to)).toEqual(await idsOf(from));
    expect(await bridge.health()).toEqual({ ok: true, problems: [] });
    expect(await from.deadLetters.list()).toEqual([]);
    expect(errors).toHaveLength(1);
    expect((await logOf(from)).every(({ attempt }) => attempt === 0)).toBe(true);
  });

  it("is left to another process of the bridge that gets through", async () => {
    const [source, target] = [new MemoryLog(), new MemoryLog()];
    const a = openQueue({ log: source });
    const blocked = openQueue({ log: target, maxBacklog: 1, backlogWaitMs: 1 });
    await blocked.group("slow").ensure();
    await openQueue({ log: target }).sendMany(numbered(2));
    const first = await startBridge({
      from: openQueue({ log: source }),
      to: blocked,
      onError: () => {},
    });
    await a.sendMany(numbered(10, () => ({ key: "k" })));
    await until(async () => (await first.health()).problems.length > 0);
    await startBridge({ from: openQueue({ log: source }), to: openQueue({ log: target }) });
    await atRest(a);
    expect(numbersOf(await logOf(blocked)).slice(2)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await first.health()).toEqual({ ok: true, problems: [] });
  });

  it("for what it is, is a dead letter, counted and told; the others of its batch go on", async () => {
    const log = new MemoryLog();
    const [from, to] = [openQueue(), openQueue({ log, maxPayloadBytes: 100 })];
    const errors: unknown[] = [];
    const bridge = makeBridge({ from, to, onError: (error) => errors.push(error) });
    await from.sendMany(numbered(9));
    const big = await from.send("A_X", { n: 9, text: "x".repeat(200) }, { key: "k" });
    await from.sendMany(numbered(10));
    await bridge.start();
    await atRest(from);
    expect(numbersOf(await logOf(to))).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    const group = bridge.stats().forward?.group;
    expect(await from.deadLetters.list()).toMatchObject([
      { id: big.id, group, attempts: 1, error: { cause: { code: "PAYLOAD_TOO_LARGE" } } },
    ]);
    expect(errors).toMatchObject([{ code: "BRIDGE_REFUSED" }]);
    expect(bridge.stats().forward).toMatchObject({ forwarded: 19, deadLetters: 1 });
    expect((await bridge.health()).problems).toMatchObject([
      { code: "BRIDGE_REFUSED", severity: "warning", subject: group },
    ]);
    await bridge.close();

    await startBridge({ from, to: openQueue({ log }) });
    await from.deadLetters.redrive({ id: big.id });
    await until(async () => (await idsOf(to)).includes(big.id));
  });

  it("many times is warned of ten times, where nobody else is told, and counted each time", async () => {
    const [from, to] = [openQueue(), openQueue({ maxPayloadBytes: 10 })];
    const warnings: string[] = [];
    const note = (warning: Error & { code?: string }): void => {
      if (warning.code === "RINGRIFT_COORDINATOR_ERROR") warnings.push(warning.message);
    };
    process.on("warning", note);
    onTestFinished(() => void process.off("warning", note));
    const bridge = await startBridge({ from, to });
    await from.sendMany(numbered(30).map(({ type }) => ({ type, payload: "x".repeat(20) })));
    await until(async () => (await from.deadLetters.list()).length === 30);
    expect(bridge.stats().forward?.deadLetters).toBe(30);
    expect(warnings).toHaveLength(10);
    expect(warnings[0]).toContain("refuses event");
  });

  it("since it has passed as many buses and queues as it may, is a dead letter", async () => {
    const [from, to] = [openQueue(), openQueue()];
    const errors: unknown[] = [];
    await startBridge({ from, to, onError: (error) => errors.push(error) });
    const via = Array.from({ length: 16 }, () => newEventId());
    await from.send("A_X", {}, { lineage: { ...createLineage(), via } });
    const last = { ...createLineage(), via: via.slice(1) };
    await from.send("A_X", {}, { lineage: last });
    await atRest(from);
    expect(await idsOf(to)).toEqual([last.id]);
    expect(errors).toMatchObject([{ code: "BRIDGE_REFUSED" }]);
    expect(await from.deadLetters.list()).toHaveLength(1);
  });

  it("as it was closed, ends the bridge, which says so", async () => {
    const [from, to] = [openQueue(), openQueue()];
    const errors: unknown[] = [];
    const bridge = await startBridge({
      from,
      to,
      both: true,
      onError: (error) => errors.push(error),
    });
    await to.close();
    await from.send("A_X", {});
    await until(() => !bridge.stats().running);
    expect(errors).toMatchObject([{ code: "BRIDGE_ENDED", cause: { code: "QUEUE_CLOSED" } }]);
    expect((await bridge.health()).problems.map(({ code }) => code)).toEqual([
      "BRIDGE_ENDED",
      "BRIDGE_ENDED",
    ]);
    expect(await bridge.stop()).toEqual({ drained: true, left: 0 });
    expect(await from.groups.list()).toMatchObject([{ pending: 1, retrying: 0, deadLetters: 0 }]);
  });
});
