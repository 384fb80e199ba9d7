import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { createQueueBridge } from "@ringrift/coordinator";
import { type EventQueue, MemoryEventQueue, type StoredEvent } from "@ringrift/event-queue";
import { NatsServer } from "test-servers";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { freshQueue, lacking } from "./backends.ts";
import type { BridgeSettings } from "./bridge-program.ts";
import { idle, openQueue } from "./nodes.ts";

const PROGRAM = new URL("bridge-program.ts", import.meta.url);
/** Short, so that what a killed process held comes again soon; long enough for a machine that has more to do. */
const LEASE_MS = 1_500;
const MOST_SENT = 400;

async function startBridge(settings: BridgeSettings): Promise<ChildProcess> {
  const options = JSON.stringify({ leaseMs: LEASE_MS, ...settings });
  const child = fork(PROGRAM, [options], {
    execArgv: ["--conditions=@ringrift/source"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "message");
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const gone = once(child, "exit");
  child.kill(signal);
  const [code] = (await gone) as [number | null];
  return code;
}

/** Whoever is frozen in the middle of a write holds up all others of a file, as the torture shows. */
async function freezeOutsideWrites(child: ChildProcess, ...paths: string[]): Promise<void> {
  for (;;) {
    child.kill("SIGSTOP");
    // It stops a moment later.
    await sleep(20);
    if (paths.filter((path) => !path.includes("://")).every(isWritable)) return;
    child.kill("SIGCONT");
    await sleep(20);
  }
}

function isWritable(path: string): boolean {
  const database = new DatabaseSync(path, { timeout: 500 });
  try {
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Sends numbered events of five keys, and some without one, until it is told to stop, or has sent enough. */
function keepSending(queue: EventQueue, source: string): () => Promise<StoredEvent[]> {
  const sent: StoredEvent[] = [];
  let isOver = false;
  const sending = (async () => {
    for (let n = 0; !isOver && n < MOST_SENT; n += 1) {
      const key = n % 6 === 5 ? undefined : `${source}-${n % 6}`;
      const headers = { n: String(n) };
      sent.push(await queue.send("ORDER_PLACED", { n, source }, { key, headers, source }));
      // A backlog first, then a stream.
      if (n >= MOST_SENT / 2) await sleep(10);
    }
  })();
  return async () => {
    isOver = true;
    await sending;
    return sent;
  };
}

/** What must not change on its way. */
function carriedPart(event: StoredEvent): object {
  const { position: _, storedAt: __, via: ___, ...part } = event;
  return part;
}

/** Each queue has exactly these events, unchanged, and those of a key in their order. */
async function expectAll(
  queues: readonly EventQueue[],
  sent: readonly StoredEvent[],
): Promise<void> {
  const wanted = new Map(sent.map((event) => [event.id, carriedPart(event)]));
  for (const queue of queues) {
    const events = await queue.history({ limit: 100_000 });
    expect(events).toHaveLength(wanted.size);
    expect(new Map(events.map((event) => [event.id, carriedPart(event)]))).toEqual(wanted);
    const latest = new Map<string, number>();
    for (const { key, headers } of events) {
      if (key === undefined) continue;
      expect(Number(headers["n"])).toBeGreaterThan(latest.get(key) ?? -1);
      latest.set(key, Number(headers["n"]));
    }
    expect(await queue.deadLetters.list()).toEqual([]);
  }
}

describe.each(["a file", "NATS"] as const)("a bridge between a file and %s", (backend) => {
  let where: { readonly from: string; readonly to: string };
  let queues: readonly [EventQueue, EventQueue];

  beforeEach(async (context) => {
    const reason = lacking(backend);
    if (reason !== undefined) context.skip(reason);
    where = { from: await freshQueue("a file"), to: await freshQueue(backend) };
    queues = [openQueue(where.from), openQueue(where.to)];
  });

  async function settled(): Promise<void> {
    await Promise.all(queues.map(idle));
  }

  it("that is killed at any moment loses nothing, doubles nothing and keeps the order of keys", async () => {
    const settings = { name: "b", both: true, ...where };
    const sending = queues.map((queue, index) => keepSending(queue, `side-${index}`));
    for (let round = 0; round < 6; round += 1) {
      const child = await startBridge(settings);
      await sleep(Math.random() * 300);
      await end(child, "SIGKILL");
    }
    await startBridge(settings);
    const sent = (await Promise.all(sending.map((stop) => stop()))).flat();
    await settled();
    expect(sent.length).toBeGreaterThan(200);
    await expectAll(queues, sent);
  });

  it("that comes back finds what was sent on either side, and ends well when it is told to", async () => {
    const settings = { name: "b", both: true, ...where };
    expect(await end(await startBridge(settings), "SIGTERM")).toBe(0);
    const sent: StoredEvent[] = [];
    for (const [side, queue] of queues.entries()) {
      const many = Array.from({ length: 500 }, (_, n) => ({
        type: "ORDER_PLACED",
        payload: { n, side },
        headers: { n: String(n) },
        key: `side-${side}-${n % 7}`,
      }));
      sent.push(...(await queue.sendMany(many)));
    }
    await startBridge(settings);
    await settled();
    await expectAll(queues, sent);
  });

  it("in two processes, shared or redundant, doubles nothing; and each effect happens once", async () => {
    const effects: string[] = [];
    queues[1].consume({ group: "mailer" }, ({ id }) => void effects.push(id));
    for (const name of ["one", "one", "two"]) await startBridge({ name, both: true, ...where });
    const sending = queues.map((queue, index) => keepSending(queue, `side-${index}`));
    await sleep(600);
    const sent = (await Promise.all(sending.map((stop) => stop()))).flat();
    await settled();
    await expectAll(queues, sent);
    expect(effects.toSorted()).toEqual(sent.map(({ id }) => id).toSorted());
  });

  it("one of whose processes freezes for longer than its lease goes on, and so does that one after", async () => {
    const settings = { name: "b", both: true, ...where };
    const frozen = await startBridge(settings);
    const sending = queues.map((queue, index) => keepSending(queue, `side-${index}`));
    await sleep(200);
    await freezeOutsideWrites(frozen, where.from, where.to);
    await startBridge(settings);
    await sleep(2 * LEASE_MS);
    const sent = (await Promise.all(sending.map((stop) => stop()))).flat();
    await settled();
    await expectAll(queues, sent);
    frozen.kill("SIGCONT");
    await sleep(300);
    sent.push(await queues[0].send("ORDER_PLACED", {}), await queues[1].send("ORDER_PLACED", {}));
    await settled();
    await expectAll(queues, sent);
  });
});

describe("a bridge", () => {
  it("goes on when the server that was away is there again, without a dead letter", async (context) => {
    const reason = lacking("NATS");
    if (reason !== undefined) context.skip(reason);
    const server = await NatsServer.start();
    onTestFinished(() => server.dispose());
    const where = { from: await freshQueue("a file"), to: `${server.url}#test` };
    const file = openQueue(where.from);
    await startBridge({ name: "b", both: true, ...where });
    const sent = [await file.send("ORDER_PLACED", { n: 0 })];
    await idle(file);
    await server.kill();
    for (let n = 1; n < 200; n += 1) sent.push(await file.send("ORDER_PLACED", { n }));
    // Longer than its calls wait for the server.
    await sleep(12_000);
    await server.run();
    const nats = openQueue(where.to);
    await idle(file);
    await idle(nats);
    await expectAll([file, nats], sent);
  });

  it("joins a queue in memory to a file", async () => {
    const memory = new MemoryEventQueue();
    onTestFinished(() => memory.close());
    const file = openQueue(await freshQueue("a file"));
    const bridge = createQueueBridge({ name: "b", from: memory, to: file, both: true });
    onTestFinished(() => bridge.close().then(() => undefined));
    await bridge.start();
    const sending = [memory, file].map((queue, index) => keepSending(queue, `side-${index}`));
    await sleep(300);
    const sent = (await Promise.all(sending.map((stop) => stop()))).flat();
    await Promise.all([idle(memory), idle(file)]);
    await expectAll([memory, file], sent);
  });

  it("keeps its process alive, unless it is told not to", async () => {
    const where = { from: await freshQueue("a file"), to: await freshQueue("a file") };
    const free = await startBridge({ name: "b", unref: true, ...where });
    if (free.exitCode === null) await once(free, "exit");
    expect(free.exitCode).toBe(0);
    const held = await startBridge({ name: "b", ...where });
    held.disconnect();
    await sleep(1_000);
    expect(held.exitCode).toBeNull();
    expect(await end(held, "SIGTERM")).toBe(0);
  });
});
