import { expect } from "vitest";
import { PermanentError } from "../../failures/errors.ts";
import { migrateQueue } from "../../migration/migrate-queue.ts";
import {
  expectCode,
  PAID,
  PLACED,
  receiveAll,
  sendNumbered,
  sleep,
  type TestCase,
} from "../harness/suite.ts";

const NO_HOLD = { hold: (): void => {} };

/** `migrateQueue`, from a queue of this kind to another one. */
export function moving(test: TestCase): void {
  const moved: TestCase = (name, body, needs = []) => test(name, body, ["migration", ...needs]);

  moved(
    "the log comes with ids, payloads, keys, headers and lineage, in its order",
    async (lab) => {
      const from = lab.open();
      const to = await lab.openAnother();
      const sent = await from.sendMany([
        { type: PLACED, payload: { n: 1 }, key: "k", headers: { tenant: "acme" } },
        { type: PAID, payload: null, source: "till", correlationId: "c" },
        { type: PLACED, payload: { n: 3 }, key: "k" },
      ]);
      const told: number[] = [];
      const result = await migrateQueue(from, to, { ...NO_HOLD, onProgress: (n) => told.push(n) });
      expect(result).toMatchObject({
        copied: 3,
        verified: 3,
        groups: [],
        deadLetters: 0,
        delayed: 0,
      });
      expect(told).toEqual([3]);
      const copy = await to.history();
      for (const [n, { position: _, storedAt: __, ...event }] of sent.entries()) {
        expect(copy[n]).toMatchObject({ ...event, position: n + 1 });
      }
      expect(copy).toHaveLength(3);
      expect(await from.groups.list()).toEqual([]);
    },
  );

  moved(
    "nothing is leased, and no attempt is counted: a group with one attempt goes on",
    async (lab) => {
      const from = lab.open();
      const to = await lab.openAnother();
      await sendNumbered(from, PLACED, 6);
      const once = from.group("once", { maxAttempts: 1 });
      const leased = await once.receive({ limit: 4 });
      // Handled above one that isn't: it comes again.
      await leased[0]?.ack();
      await leased[2]?.ack();
      const before = await from.groups.list();
      const { groups } = await migrateQueue(from, to, NO_HOLD);
      expect(groups).toEqual(["once"]);
      expect(await from.groups.list()).toEqual(before);
      expect(await from.deadLetters.list()).toEqual([]);
      expect(await leased[1]?.ack()).toBe(true);
      const again = await receiveAll(to.group("once"));
      expect(again.map(({ position, redelivered }) => [position, redelivered])).toEqual([
        [2, true],
        [3, true],
        [4, true],
        [5, false],
        [6, false],
      ]);
    },
  );

  moved("a group that has settled everything begins behind the log", async (lab) => {
    const from = lab.open();
    const to = await lab.openAnother();
    await sendNumbered(from, PLACED, 3);
    const done = from.group("done");
    for (const event of await receiveAll(done)) await event.ack();
    await migrateQueue(from, to, NO_HOLD);
    expect(await to.group("done").receive()).toEqual([]);
    await to.send(PLACED, { n: 4 });
    expect((await receiveAll(to.group("done"))).map(({ payload }) => payload)).toEqual([{ n: 4 }]);
  });

  moved("dead letters come along, once however often it is done", async (lab) => {
    const from = lab.open();
    const to = await lab.openAnother();
    from.deadLetters.onLetter(() => {});
    await sendNumbered(from, PLACED, 3);
    for (const event of await receiveAll(from.group("mailer"))) {
      await event.nack({ reason: new PermanentError(`no use (${event.position})`) });
    }
    expect(await migrateQueue(from, to, NO_HOLD)).toMatchObject({ deadLetters: 3 });
    expect(await migrateQueue(from, to, NO_HOLD)).toMatchObject({ copied: 0, deadLetters: 0 });
    expect(await to.deadLetters.list()).toEqual(await from.deadLetters.list());
    expect(await to.deadLetters.redrive({})).toEqual({ count: 3 });
    expect(await receiveAll(to.group("mailer"))).toHaveLength(3);
  });

  moved("what was redriven and not settled is given to its group in the new queue", async (lab) => {
    const from = lab.open();
    const to = await lab.openAnother();
    from.deadLetters.onLetter(() => {});
    await sendNumbered(from, PLACED, 3);
    for (const event of await receiveAll(from.group("mailer"))) {
      if (event.position === 1) await event.nack({ reason: new PermanentError("no use") });
      else await event.ack();
    }
    await from.deadLetters.redrive({});
    await migrateQueue(from, to, NO_HOLD);
    const events = await receiveAll(to.group("mailer"));
    expect(events).toMatchObject([{ payload: { n: 1 }, attempt: 1, redelivered: true }]);
  });

  moved(
    "delayed events fall due in the new queue when they would have in the old one",
    async (lab) => {
      const from = lab.open();
      const to = await lab.openAnother();
      const soon = await from.send(PLACED, { n: 1 }, { delayMs: 1_500 });
      const late = await from.send(PLACED, { n: 2 }, { delayMs: 600_000 });
      await sleep(200);
      expect(await migrateQueue(from, to, NO_HOLD)).toMatchObject({ delayed: 2, copied: 0 });
      expect(await to.stats()).toMatchObject({ delayed: 2 });
      const [event] = await to.group("mailer").receive({ waitMs: 20_000 });
      expect(event?.id).toBe(soon.id);
      expect(event?.storedAt).toBeGreaterThanOrEqual(soon.dueAt ?? 0);
      expect(event?.storedAt).toBeLessThan((soon.dueAt ?? 0) + 1_000);
      expect(await to.stats()).toMatchObject({ delayed: 1 });
      expect((await to.history()).map(({ id }) => id)).not.toContain(late.id);
    },
    ["delayedSends"],
  );

  moved(
    "a second run brings what has come since, and moves a group that nobody was given anything of",
    async (lab) => {
      const from = lab.open();
      const to = await lab.openAnother();
      await sendNumbered(from, PLACED, 3);
      const mailer = from.group("mailer");
      await mailer.ensure();
      await migrateQueue(from, to, NO_HOLD);
      for (const event of await receiveAll(mailer)) await event.ack();
      await from.send(PAID, {});
      const result = await migrateQueue(from, to, NO_HOLD);
      expect(result).toMatchObject({ copied: 1, verified: 4, groups: ["mailer"] });
      expect((await receiveAll(to.group("mailer"))).map(({ type }) => type)).toEqual([PAID]);
      // And back: all of it is there.
      const back = await migrateQueue(to, from, NO_HOLD);
      expect(back).toMatchObject({ copied: 0, verified: 4 });
    },
  );

  moved("a queue isn't moved into itself", async (lab) => {
    const queue = lab.open();
    const failure = await expectCode(() => migrateQueue(queue, queue, NO_HOLD), "INVALID_OPTION");
    expect(failure.message).toContain("twice");
    expect(await queue.groups.list()).toEqual([]);
  });

  moved("what isn't a queue of this library is refused, and said so", async (lab) => {
    const queue = lab.open();
    const double = { ...queue, id: () => queue.id() };
    await expectCode(() => migrateQueue(queue, double, NO_HOLD), "MIGRATION_UNSUPPORTED");
  });
}
