import { fork } from "node:child_process";
import { once } from "node:events";
import { migrateQueue } from "@ringrift/event-queue";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { BACKENDS, freshQueue, lacking } from "./backends.ts";
import { idle, openQueue } from "./nodes.ts";

const MIGRATOR = new URL("migrator.ts", import.meta.url);
const BEFORE = 2_000;

/** Starts to move a queue in another process, and kills that in the middle. */
async function beginAndDie(from: string, to: string): Promise<void> {
  const child = fork(MIGRATOR, [from, to], { execArgv: ["--conditions=@ringrift/source"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const gone = once(child, "exit");
  await once(child, "message");
  child.kill("SIGKILL");
  await gone;
}

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
    await beginAndDie(from, to);

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
});
