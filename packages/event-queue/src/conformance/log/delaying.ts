import { expect } from "vitest";
import {
  expectCode,
  PAID,
  PLACED,
  receiveOne,
  sleep,
  type TestCase,
  until,
} from "../harness/suite.ts";

/** Events that enter the log later than they were sent. */
export function delaying(test: TestCase): void {
  const delayed: TestCase = (name, body, needs = []) =>
    test(name, body, ["delayedSends", ...needs]);

  delayed("nobody sees a delayed event before its time, and everybody then", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer");
    const stream = queue.stream();
    const seen = stream.next();
    const sentAt = Date.now();
    const sent = await queue.send(PLACED, { n: 1 }, { delayMs: 600, headers: { h: "1" } });
    expect(sent).toMatchObject({ position: 0, payload: { n: 1 }, attempt: 0 });
    expect(sent.dueAt).toBeGreaterThanOrEqual(sentAt + 600);
    expect(await queue.receive()).toEqual([]);
    expect(await queue.history()).toEqual([]);
    expect(await group.receive()).toEqual([]);
    expect(await queue.stats()).toMatchObject({ events: 0, delayed: 1, sent: 1 });

    const event = await receiveOne(group);
    expect(Date.now()).toBeGreaterThanOrEqual(sentAt + 600);
    expect(event).toMatchObject({ id: sent.id, position: 1, attempt: 1, redelivered: false });
    expect(event).toMatchObject({ headers: { h: "1" }, time: sent.time });
    expect(event.storedAt).toBeGreaterThanOrEqual(sentAt + 600);
    expect(event.dueAt).toBeUndefined();
    expect((await seen).value).toMatchObject({ id: sent.id, position: 1 });
    expect(await queue.receive()).toMatchObject([{ id: sent.id, position: 1 }]);
    expect(await queue.stats()).toMatchObject({ events: 1, delayed: 0 });
    await stream.return?.();
  });

  delayed(
    "delayed events come in the order of their times, after what came before",
    async (lab) => {
      const queue = lab.open();
      await queue.sendMany([
        { type: PLACED, payload: { n: 1 }, delayMs: 250 },
        { type: PLACED, payload: { n: 2 }, delayMs: 50 },
        { type: PLACED, payload: { n: 3 } },
        { type: PLACED, payload: { n: 4 }, delayMs: 50 },
      ]);
      await until("all are there", async () => (await queue.stats()).events === 4);
      const log = await queue.history();
      expect(log.map(({ payload, position }) => [payload.n, position])).toEqual([
        [3, 1],
        [2, 2],
        [4, 3],
        [1, 4],
      ]);
    },
  );

  delayed("a delayed event doesn't hold up others of its key", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 }, { key: "a", delayMs: 60_000 });
    await queue.send(PAID, { n: 2 }, { key: "a" });
    expect((await receiveOne(queue.group("mailer"))).payload).toEqual({ n: 2 });
  });

  delayed("a group made while an event waits gets it, also one that begins now", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 }, { delayMs: 100 });
    const group = queue.group("late", { from: "now" });
    await group.ensure();
    expect((await receiveOne(group)).payload).toEqual({ n: 1 });
  });

  delayed("a dedupe key and an id are known while their event waits, and after", async (lab) => {
    const queue = lab.open();
    const first = await queue.send(PLACED, { n: 1 }, { dedupeKey: "k", delayMs: 200 });
    const again = await queue.send(PLACED, { n: 2 }, { dedupeKey: "k" });
    expect(again).toMatchObject({ id: first.id, payload: { n: 1 }, position: 0, duplicate: true });
    expect(again.dueAt).toBe(first.dueAt);
    const { id, time, source, origin, correlationId, via } = first;
    const lineage = { id, time, source, origin, correlationId, via };
    expect(await queue.send(PLACED, { n: 1 }, { lineage })).toMatchObject({ duplicate: true });
    await until("it is there", async () => (await queue.stats()).events === 1);
    expect(await queue.send(PLACED, { n: 4 }, { dedupeKey: "k", delayMs: 5 })).toMatchObject({
      id,
      position: 1,
      duplicate: true,
    });
    expect(await queue.stats()).toMatchObject({ events: 1, delayed: 0, sent: 1, duplicates: 3 });
  });

  delayed(
    "a delayed send whose dedupe key is known gives what is stored, and nothing of its own",
    async (lab) => {
      const queue = lab.open();
      const first = await queue.send(PLACED, { n: 1 }, { dedupeKey: "k" });
      const own = { key: "a", headers: { h: "1" }, delayMs: 60_000 };
      const again = await queue.send(PLACED, { n: 2 }, { dedupeKey: "k", ...own });
      expect(again).toEqual({ ...first, duplicate: true });
      expect(await queue.stats()).toMatchObject({ events: 1, delayed: 0 });
    },
  );

  delayed("a delay of 0 is none", async (lab) => {
    const queue = lab.open();
    expect(await queue.send(PLACED, {}, { delayMs: 0 })).toMatchObject({ position: 1 });
    await expectCode(() => queue.send(PLACED, {}, { delayMs: 0.5 }), "INVALID_OPTION");
  });

  delayed(
    "what falls due while nobody has the queue open comes in when somebody opens it",
    async (lab) => {
      const before = lab.open();
      await before.send(PLACED, { n: 1 }, { delayMs: 100 });
      await before.close();
      await sleep(150);
      const after = lab.open();
      expect((await receiveOne(after.group("mailer"))).payload).toEqual({ n: 1 });
    },
    ["persistent"],
  );

  delayed(
    "it comes in on time where another instance than its sender is left",
    async (lab) => {
      const stays = lab.open();
      const group = stays.group("mailer");
      await group.ensure();
      const leaves = lab.open();
      await leaves.send(PLACED, { n: 1 }, { delayMs: 300 });
      await leaves.close();
      expect((await receiveOne(group)).payload).toEqual({ n: 1 });
    },
    ["multipleInstances"],
  );
}
