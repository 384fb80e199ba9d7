import { expect } from "vitest";
import {
  expectCode,
  PAID,
  PLACED,
  receiveAll,
  sendNumbered,
  sleep,
  type TestCase,
  until,
} from "../harness/suite.ts";

/** `maxBacklog`: senders wait for the group that is furthest behind, or are refused. */
export function holdingBack(test: TestCase): void {
  const bounded: TestCase = (name, body, needs = []) =>
    test(name, body, ["backpressure", ...needs]);

  bounded(
    "beyond the bound a send is refused at once, if so asked, and nothing of it stays",
    async (lab) => {
      const queue = lab.open({ maxBacklog: 3, backlogWaitMs: 0 });
      const group = queue.group("mailer");
      await group.ensure();
      await sendNumbered(queue, PLACED, 3);
      const error = await expectCode(() => queue.send(PLACED, { n: 4 }), "BACKLOG_FULL");
      expect(error.message).toContain('group "mailer" has 3 events');
      await expectCode(() => sendNumbered(queue, PLACED, 1), "BACKLOG_FULL");
      expect(await queue.stats()).toMatchObject({ events: 3, sent: 3 });

      for (const event of await receiveAll(group)) await event.ack();
      expect(await queue.send(PLACED, { n: 4 })).toMatchObject({ position: 4 });
    },
  );

  bounded("what is leased, or waits for a retry, counts", async (lab) => {
    const queue = lab.open({ maxBacklog: 2, backlogWaitMs: 0 });
    const group = queue.group("mailer");
    await sendNumbered(queue, PLACED, 2);
    const [first] = await receiveAll(group);
    await first?.nack({ delayMs: 60_000 });
    await sleep(150);
    await expectCode(() => queue.send(PLACED, {}), "BACKLOG_FULL");
  });

  bounded("otherwise sends wait in their order until there is room", async (lab) => {
    const queue = lab.open({ maxBacklog: 2 });
    const group = queue.group("mailer");
    await group.ensure();
    await sendNumbered(queue, PLACED, 2);
    const later = [1, 2, 3].map((n) => queue.send(PAID, { n }));
    await sleep(200);
    expect((await queue.stats()).events).toBe(2);
    const consumer = queue.consume({ group: "mailer" }, () => {});
    const positions = (await Promise.all(later)).map(({ position }) => position);
    expect(positions).toEqual([3, 4, 5]);
    await until("all are handled", () => consumer.stats().handled === 5);
  });

  bounded("a send that waits too long is refused, and those behind it go on", async (lab) => {
    const queue = lab.open({ maxBacklog: 1, backlogWaitMs: 150 });
    const group = queue.group("mailer");
    await group.ensure();
    await queue.send(PLACED, {});
    const began = performance.now();
    await expectCode(() => queue.send(PLACED, {}), "BACKLOG_FULL");
    expect(performance.now() - began).toBeGreaterThanOrEqual(145);
    for (const event of await receiveAll(group)) await event.ack();
    await queue.send(PLACED, {});
  });

  bounded("a handler's sends are let through: its group can't wait for itself", async (lab) => {
    const queue = lab.open({ maxBacklog: 1, backlogWaitMs: 0 });
    const consumer = queue.consume({ group: "mailer", eventTypes: [PLACED] }, async () => {
      await queue.send(PAID, {});
      await queue.send(PLACED, { child: true }, { dedupeKey: "one child only" });
    });
    await queue.send(PLACED, {});
    await until("it and its child are handled", () => consumer.stats().handled === 2);
    expect((await queue.history()).map(({ type }) => type)).toEqual([PLACED, PAID, PLACED, PAID]);
  });

  bounded(
    "without a group there is no backlog, and a group's own types are what counts",
    async (lab) => {
      const queue = lab.open({ maxBacklog: 2, backlogWaitMs: 0 });
      await sendNumbered(queue, PLACED, 20);
      await queue.group("payer", { eventTypes: [PAID] }).ensure();
      await sleep(150);
      await queue.send(PLACED, {});
    },
  );

  bounded("a batch goes in whole where there is room for one", async (lab) => {
    const queue = lab.open({ maxBacklog: 2, backlogWaitMs: 0 });
    await queue.group("mailer").ensure();
    await sendNumbered(queue, PLACED, 10);
    await expectCode(() => queue.send(PLACED, {}), "BACKLOG_FULL");
  });

  bounded("a close ends the wait", async (lab) => {
    const queue = lab.open({ maxBacklog: 1 });
    await queue.group("mailer").ensure();
    await queue.send(PLACED, {});
    const waiting = expectCode(() => queue.send(PLACED, {}), "QUEUE_CLOSED");
    await sleep(50);
    await queue.close();
    await waiting;
  });

  for (const [name, options] of [
    ["a bound of 0", { maxBacklog: 0 }],
    ["a wait without a bound", { backlogWaitMs: 10 }],
    ["a negative wait", { maxBacklog: 1, backlogWaitMs: -1 }],
  ] as const) {
    bounded(`${name} is refused`, async (lab) => {
      await expectCode(async () => lab.open(options).send(PLACED, {}), "INVALID_OPTION");
    });
  }
}
