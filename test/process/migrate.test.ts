import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type EventQueue, MemoryEventQueue, migrateQueue } from "@ringrift/event-queue";
import { beforeEach, describe, expect, it } from "vitest";
import { BACKENDS, freshQueue, lacking, tempFolder } from "./backends.ts";
import { moveAndDie } from "./migration-round.ts";
import { idle, openQueue } from "./nodes.ts";

const HOLDER = new URL("holder.ts", import.meta.url);
const BEFORE = 2_000;

describe.each(BACKENDS)("migrateQueue, from %s to the other one,", (backend) => {
  beforeEach((context) => {
    const reason = lacking("NATS");
    if (reason !== undefined) context.skip(reason);
  });

  it("under load, killed in the middle: nothing is lost, and every effect happens once by id", async () => {
    const from = await freshQueue(backend);
    const to = await freshQueue(backend === "NATS" ? "a file" : "NATS");
    const old = openQueue(from);
    const next = openQueue(to);
    const sent: string[] = [];
    const first = Array.from({ length: BEFORE }, (_, n) => ({
      type: "ORDER_PLACED",
      payload: { n },
      key: `order-${n % 50}`,
    }));
    sent.push(...(await old.sendMany(first)).map(({ id }) => id));
    const effects = new Map<string, number>();
    const handler = ({ id }: { id: string }): void => {
      effects.set(id, (effects.get(id) ?? 0) + 1);
    };
    const group = { group: "mailer", maxAttempts: 7, leaseMs: 5_000 };
    const consumer = old.consume({ ...group, concurrency: 4 }, handler);
    await old.group("late", { eventTypes: ["ORDER_PLACED"] }).ensure();
    await moveAndDie(from, to, { phase: "sendMany", delayMs: 5 });

    let goesOn = true;
    const produce = async (queue: typeof old): Promise<void> => {
      while (goesOn) sent.push((await queue.send("ORDER_PAID", { n: sent.length })).id);
    };
    let producing = produce(old);
    let held = 0;
    const result = await migrateQueue(old, next, {
      hold: async () => {
        goesOn = false;
        await Promise.all([producing, consumer.stop()]);
        held = sent.length;
      },
      // Senders needn't wait for the groups.
      release: async () => {
        expect(await next.groups.list()).toEqual([]);
        goesOn = true;
        producing = produce(next);
      },
    });
    goesOn = false;
    await producing;
    expect(result.verified).toBe(held);
    expect(sent.length).toBeGreaterThan(held);
    expect(result.groups.toSorted()).toEqual(["late", "mailer"]);
    expect((await next.history({ limit: 100_000 })).map(({ id }) => id)).toEqual(sent);
    expect(await old.groups.list()).toMatchObject([{ name: "late" }, { name: "mailer" }]);

    const late = (await next.groups.list()).find(({ name }) => name === "late");
    expect(late).toMatchObject({ pending: BEFORE, eventTypes: ["ORDER_PLACED"] });
    await next.groups.remove("late");
    const goingOn = next.consume({ ...group, concurrency: 4 }, (event) => {
      // The inbox of this test: an effect by id.
      if (!effects.has(event.id)) handler(event);
    });
    sent.push((await next.send("ORDER_PAID", { n: -1 })).id);
    await idle(next);
    await goingOn.stop();
    expect(new Set(effects.keys())).toEqual(new Set(sent));
    expect([...effects.values()].every((count) => count === 1)).toBe(true);
    console.log(`${result.verified} events moved; held for ${Math.round(result.heldMs)} ms`);
  }, 120_000);

  it("with 20,000 events, senders are held for less than a second", async () => {
    const old = openQueue(await freshQueue(backend));
    const next = openQueue(await freshQueue(backend === "NATS" ? "a file" : "NATS"));
    for (let n = 0; n < 20; n += 1) await old.sendMany(Array.from({ length: 1_000 }, placed));
    let goesOn = true;
    let count = 20_000;
    const producing = (async () => {
      for (; goesOn; count += 1) {
        await old.send("ORDER_PAID", {});
        await sleep(1);
      }
    })();
    const result = await migrateQueue(old, next, {
      hold: () => {
        goesOn = false;
        return producing;
      },
      release: () => {},
    });
    expect(result).toMatchObject({ copied: count, verified: count });
    expect(result.heldMs).toBeLessThan(1_000);
    console.log(`${count} events moved; held for ${Math.round(result.heldMs)} ms`);
  }, 120_000);

  it("a member that was killed with events in hand holds nothing up, and loses no attempt", async () => {
    const from = await freshQueue(backend);
    const old = openQueue(from);
    const next = openQueue(await freshQueue(backend === "NATS" ? "a file" : "NATS"));
    const policy = { leaseMs: 500, maxAttempts: 2 };
    await old.group("mailer", policy).ensure();
    for (let n = 0; n < 10; n += 1) await old.send("ORDER_PLACED", { n }, { key: "k" });
    const holder = fork(HOLDER, [from, "mailer"], { execArgv: ["--conditions=@ringrift/source"] });
    await once(holder, "message");
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const began = performance.now();
    await migrateQueue(old, next, { hold: () => {} });
    expect(performance.now() - began).toBeLessThan(10_000);
    // As if nobody had looked: the lease ends by itself, and the second attempt is the first one of somebody else.
    await sleep(800);
    expect(await old.deadLetters.list()).toEqual([]);
    const [again] = await old.group("mailer").receive({ limit: 1, waitMs: 5_000 });
    expect(again).toMatchObject({ payload: { n: 0 }, attempt: 2 });
    expect(await payloadsOf(next, "mailer")).toEqual(Array.from({ length: 10 }, (_, n) => ({ n })));
  }, 60_000);

  it("killed while groups are moved, one whose events have one attempt gets them all", async () => {
    const from = await freshQueue(backend);
    const to = await freshQueue(backend === "NATS" ? "a file" : "NATS");
    const old = openQueue(from);
    await old.group("once", { maxAttempts: 1 }).ensure();
    await old.group("zzz").ensure();
    await old.sendMany(Array.from({ length: 20 }, placed));
    for (const phase of ["oldestUnsettled", "adoptGroup", "letters"]) {
      expect(await moveAndDie(from, to, { phase, delayMs: 0 })).toBe(true);
    }
    const next = openQueue(to);
    const { groups } = await migrateQueue(old, next, { hold: () => {} });
    expect(groups).toEqual(["once", "zzz"]);
    expect(await payloadsOf(next, "once")).toHaveLength(20);
    expect(await payloadsOf(next, "zzz")).toHaveLength(20);
    expect(await old.deadLetters.list()).toEqual([]);
    expect(await payloadsOf(old, "once")).toHaveLength(20);
  }, 60_000);
});

it("migrateQueue moves a queue in memory into a file", async () => {
  const old = new MemoryEventQueue();
  const next = openQueue(join(tempFolder(), "events.db"));
  old.deadLetters.onLetter(() => {});
  await old.sendMany(Array.from({ length: 5 }, placed));
  const [one, two, three] = await old.group("mailer", { maxAttempts: 1 }).receive();
  await one?.ack();
  await two?.nack({ reason: new Error("no use") });
  await three?.ack();
  await old.send("ORDER_PAID", {}, { delayMs: 600_000 });
  const result = await migrateQueue(old, next, { hold: () => {} });
  expect(result).toMatchObject({ copied: 5, verified: 5, deadLetters: 1, delayed: 1 });
  expect(await payloadsOf(next, "mailer")).toEqual([{ n: 3 }, { n: 4 }]);
  expect(await next.deadLetters.list()).toMatchObject([{ id: two?.id, attempts: 1 }]);
  expect(await next.stats()).toMatchObject({ events: 5, delayed: 1 });
  await old.close();
});

function placed(_: unknown, n: number): { readonly type: string; readonly payload: unknown } {
  return { type: "ORDER_PLACED", payload: { n } };
}

/** What a group is given until nothing is left. */
async function payloadsOf(queue: EventQueue, name: string): Promise<unknown[]> {
  const payloads: unknown[] = [];
  for (;;) {
    const events = await queue.group(name).receive({ limit: 100, waitMs: 300 });
    if (events.length === 0) return payloads;
    for (const event of events) {
      payloads.push(event.payload);
      await event.ack();
    }
  }
}
