import { createLineage } from "@ringrift/envelope";
import { expect } from "vitest";
import { injectFaults } from "../harness/faults.ts";
import {
  expectCode,
  gate,
  numbersOf,
  PLACED,
  receiveAll,
  receiveOne,
  sendNumbered,
  type TestCase,
  until,
} from "../harness/suite.ts";

const HOUR_MS = 3_600_000;
/** A first attempt, its lease, and little more. */
const SHORT_LEASE_MS = 300;

/** What holds when a process ends between two calls, an answer is lost, or somebody sets the clock. */
export function surviving(test: TestCase): void {
  test(
    "an event whose process ends while its handler runs goes to another member, flagged",
    async (lab) => {
      const dying = lab.open();
      const faults = injectFaults(dying);
      const sent = await dying.send(PLACED, { n: 1 });
      const begun = gate();
      dying.consume({ group: "mailer", leaseMs: SHORT_LEASE_MS }, async () => {
        begun.open();
        await new Promise(() => {});
      });
      await begun.opened;
      await faults.end();
      const again = await receiveOne(lab.open().group("mailer"));
      expect(again).toMatchObject({ id: sent.id, attempt: 2, redelivered: true });
      expect(await again.ack()).toBe(true);
    },
    ["persistent", "multipleInstances"],
  );

  test(
    "what a process had leased and not begun comes again when it has ended, each event once",
    async (lab) => {
      const dying = lab.open();
      const faults = injectFaults(dying);
      await sendNumbered(dying, PLACED, 5);
      const [first] = await dying.group("mailer").receive({ limit: 3, leaseMs: SHORT_LEASE_MS });
      await first?.ack();
      await faults.end();
      const group = lab.open().group("mailer");
      const seen: number[] = [];
      await until("all others have come", async () => {
        const events = await receiveAll(group);
        for (const event of events) await event.ack();
        seen.push(...numbersOf(events));
        return seen.length >= 4;
      });
      expect(seen.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5]);
    },
    ["persistent", "multipleInstances"],
  );

  test(
    "nobody hears again from an instance that has ended, and what it sent before is there",
    async (lab) => {
      const dying = lab.open();
      const faults = injectFaults(dying);
      const sent = await dying.send(PLACED, { n: 1 });
      const leased = await receiveOne(dying.group("mailer"));
      await faults.end();
      const answers: unknown[] = [];
      for (const call of [dying.send(PLACED, { n: 2 }), leased.ack(), dying.stats()]) {
        call.then(
          (answer) => answers.push(answer),
          (error: unknown) => answers.push(error),
        );
      }
      const other = lab.open();
      await other.send(PLACED, { n: 3 });
      expect((await other.history()).map(({ id }) => id)).toContain(sent.id);
      expect(numbersOf(await other.history())).toEqual([1, 3]);
      expect((await other.groups.list())[0]).toMatchObject({ name: "mailer", inFlight: 1 });
      expect(answers).toEqual([]);
    },
    ["persistent", "multipleInstances"],
  );

  test("a send whose answer was lost may be repeated, and adds nothing", async (lab) => {
    const queue = lab.open();
    await queue.stats();
    const faults = injectFaults(queue);
    const lineage = createLineage({ source: "shop" });
    const sends = [{ dedupeKey: "A-1" }, { lineage }];
    for (const options of sends) {
      faults.loseNextAnswer();
      await expectCode(() => queue.send(PLACED, { n: 1 }, options), "ANSWER_LOST");
      expect(await queue.send(PLACED, { n: 1 }, options)).toMatchObject({ duplicate: true });
    }
    expect(await queue.history()).toHaveLength(sends.length);
  });

  test("an ack whose answer was lost has settled the event", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 1);
    const group = queue.group("mailer", { leaseMs: SHORT_LEASE_MS });
    const leased = await receiveOne(group);
    const faults = injectFaults(queue);
    faults.loseNextAnswer();
    await expectCode(() => leased.ack(), "ANSWER_LOST");
    await until("its lease would have run out", () => Date.now() > leased.leaseUntil + 100);
    expect(await group.receive()).toEqual([]);
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 0, deadLetters: 0 });
  });

  test("a claim whose answer was lost costs its events an attempt, and no event is lost", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const group = queue.group("mailer", { leaseMs: SHORT_LEASE_MS });
    await group.ensure();
    const faults = injectFaults(queue);
    faults.loseNextAnswer();
    await expectCode(() => group.receive(), "ANSWER_LOST");
    const seen: number[] = [];
    await until("all have come again", async () => {
      for (const event of await group.receive({ waitMs: 100 })) {
        expect(event).toMatchObject({ attempt: 2, redelivered: true });
        seen.push(...numbersOf([event]));
        await event.ack();
      }
      return seen.length >= 3;
    });
    expect(seen).toEqual([1, 2, 3]);
  });

  for (const [how, ms] of [
    ["back", -2 * HOUR_MS],
    ["forward", 2 * HOUR_MS],
  ] as const) {
    test(
      `when the clock is set ${how} by two hours, events still come, once and in order`,
      async (lab) => {
        const queue = lab.open();
        const group = queue.group("mailer", { leaseMs: 60_000 });
        await sendNumbered(queue, PLACED, 2);
        const first = await receiveOne(group);
        lab.stepClock(ms);
        await queue.send(PLACED, { n: 3 }, { key: "k" });
        await queue.send(PLACED, { n: 4 }, { key: "k" });
        expect(await first.ack()).toBe(true);
        const seen: number[] = [];
        await until("all have come", async () => {
          const events = await group.receive({ limit: 1 });
          for (const event of events) await event.ack();
          seen.push(...numbersOf(events));
          return seen.length >= 3;
        });
        expect(seen).toEqual([2, 3, 4]);
        const positions = (await queue.history()).map(({ position }) => position);
        expect(positions).toEqual(positions.toSorted((a, b) => a - b));
        expect((await queue.groups.list())[0]).toMatchObject({ pending: 0, deadLetters: 0 });
      },
      ["clockSteps"],
    );
  }
}
