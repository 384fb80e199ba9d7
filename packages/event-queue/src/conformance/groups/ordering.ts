import { expect } from "vitest";
import { PermanentError } from "../../failures/errors.ts";
import { numbersOf, PLACED, receiveOne, sleep, type TestCase, until } from "../harness/suite.ts";

const SOON = { initialMs: 1, maxMs: 5 };

/** Order by key within a group. */
export function ordering(test: TestCase): void {
  const keyed: TestCase = (name, body) => test(name, body, ["perKeyOrder"]);

  keyed("an event waits while an earlier one of its key is leased, others don't", async (lab) => {
    const queue = lab.open();
    await queue.sendMany([
      { type: PLACED, payload: { n: 1 }, key: "a" },
      { type: PLACED, payload: { n: 2 }, key: "a" },
      { type: PLACED, payload: { n: 3 }, key: "b" },
      { type: PLACED, payload: { n: 4 } },
    ]);
    const group = queue.group("mailer");
    const events = await group.receive();
    expect(numbersOf(events)).toEqual([1, 3, 4]);
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 4, inFlight: 3, retrying: 0 });
    const next = receiveOne(group);
    await sleep(20);
    await events[0]?.ack();
    expect((await next).payload).toEqual({ n: 2 });
  });

  keyed("an event waits while an earlier one of its key waits for its retry", async (lab) => {
    const queue = lab.open();
    await queue.sendMany([
      { type: PLACED, payload: { n: 1 }, key: "a" },
      { type: PLACED, payload: { n: 2 }, key: "a" },
    ]);
    const group = queue.group("mailer");
    await (await receiveOne(group)).nack({ delayMs: 100 });
    expect(await group.receive()).toEqual([]);
    const again = await receiveOne(group);
    expect(again.payload).toEqual({ n: 1 });
    await again.ack();
    expect((await receiveOne(group)).payload).toEqual({ n: 2 });
  });

  keyed("a dead letter lets the next event of its key go on", async (lab) => {
    const queue = lab.open();
    await queue.sendMany([
      { type: PLACED, payload: { n: 1 }, key: "a" },
      { type: PLACED, payload: { n: 2 }, key: "a" },
    ]);
    const group = queue.group("mailer");
    await (await receiveOne(group)).nack({ reason: new PermanentError("no") });
    expect((await receiveOne(group)).payload).toEqual({ n: 2 });
  });

  keyed(
    "a redriven event waits while one of its key is leased, and others wait for it",
    async (lab) => {
      const queue = lab.open();
      const group = queue.group("mailer");
      await queue.send(PLACED, { n: 1 }, { key: "a" });
      await (await receiveOne(group)).nack({ reason: new PermanentError("no") });
      await queue.sendMany([
        { type: PLACED, payload: { n: 2 }, key: "a" },
        { type: PLACED, payload: { n: 3 }, key: "b" },
      ]);
      const leased = await group.receive();
      expect(numbersOf(leased)).toEqual([2, 3]);
      expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
      expect(await group.receive({ waitMs: 100 })).toEqual([]);
      for (const event of leased) await event.ack();
      const again = await receiveOne(group);
      expect(again).toMatchObject({ payload: { n: 1 }, redelivered: true });
      await queue.sendMany([
        { type: PLACED, payload: { n: 4 }, key: "a" },
        { type: PLACED, payload: { n: 5 }, key: "b" },
      ]);
      const other = await receiveOne(group);
      expect(other.payload).toEqual({ n: 5 });
      expect(await group.receive({ waitMs: 100 })).toEqual([]);
      await again.nack({ delayMs: 50 });
      const third = await receiveOne(group);
      expect(third.payload).toEqual({ n: 1 });
      await third.ack();
      expect((await receiveOne(group)).payload).toEqual({ n: 4 });
    },
  );

  keyed("each group has an order of its own", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 }, { key: "a" });
    await queue.send(PLACED, { n: 2 }, { key: "a" });
    await receiveOne(queue.group("mailer"));
    const first = await receiveOne(queue.group("ledger"));
    await first.ack();
    expect((await receiveOne(queue.group("ledger"))).payload).toEqual({ n: 2 });
  });

  keyed(
    "events of a key are handled in order, whatever fails and however many members there are",
    async (lab) => {
      const queue = lab.open();
      const keys = ["a", "b", "c"];
      await queue.sendMany(
        Array.from({ length: 30 }, (_, n) => ({
          type: PLACED,
          payload: { n },
          key: keys[n % 3],
        })),
      );
      const done = new Map(keys.map((key) => [key, [] as number[]]));
      const consumers = [1, 2].map(() =>
        queue.consume({ group: "mailer", concurrency: 3, backoff: SOON }, async (event) => {
          await sleep(1);
          if (event.attempt === 1 && event.payload.n % 4 === 0) throw new Error("once");
          done.get(String(event.key))?.push(event.payload.n);
        }),
      );
      await until("all are handled", () => {
        const counts = consumers.map((consumer) => consumer.stats().handled);
        return counts.reduce((sum, count) => sum + count, 0) === 30;
      });
      for (const numbers of done.values()) {
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        expect(numbers).toHaveLength(10);
      }
    },
  );
}
