import { expect } from "vitest";
import type { EventQueue } from "../../contract/event-queue.ts";
import type { GroupInfo } from "../../contract/groups.ts";
import { MOST_SET_ASIDE } from "../../groups/wanted-types.ts";
import { leap, withClock } from "../harness/clock.ts";
import {
  numbersOf,
  PAID,
  PLACED,
  receiveAll,
  receiveOne,
  sendNumbered,
  sleep,
  type TestCase,
  until,
} from "../harness/suite.ts";
import { warningsOf } from "../harness/warnings.ts";

/** Members of one group that want different types: a deployment under way. */
export function sharingTypes(test: TestCase): void {
  const mixed: TestCase = (name, body, needs = []) => test(name, body, ["mixedTypes", ...needs]);

  mixed("a group wants what its members want, and each gets only its own", async (lab) => {
    const queue = lab.open();
    const placed = queue.group("mailer", { eventTypes: [PLACED] });
    const paid = queue.group("mailer", { eventTypes: [PAID] });
    await placed.ensure();
    expect(await paid.ensure()).toMatchObject({ eventTypes: [PAID, PLACED], created: false });
    await sendNumbered(queue, PLACED, 2);
    await sendNumbered(queue, PAID, 3);
    await sendNumbered(queue, PLACED, 1);
    expect(numbersOf(await receiveAll(placed))).toEqual([1, 2, 1]);
    expect(await infoOf(queue)).toMatchObject({ pending: 6, inFlight: 3, setAside: { [PAID]: 3 } });
    const theirs = await receiveAll(paid);
    expect(theirs.map(({ type, attempt, redelivered }) => [type, attempt, redelivered])).toEqual(
      Array.from({ length: 3 }, () => [PAID, 1, false]),
    );
    expect(numbersOf(theirs)).toEqual([1, 2, 3]);
    expect(await infoOf(queue)).toMatchObject({ pending: 6, inFlight: 6, setAside: {} });
    for (const event of theirs) expect(await event.ack()).toBe(true);
    expect(await infoOf(queue)).toMatchObject({ pending: 3, inFlight: 3 });
  });

  mixed("a map of handlers is a member that wants exactly its types", async (lab) => {
    const queue = lab.open();
    await queue.group("mailer", { eventTypes: [PLACED, PAID] }).ensure();
    const types: string[] = [];
    const consumer = queue
      .group("mailer")
      .consume({}, { [PLACED]: ({ type }) => types.push(type) });
    await queue.send(PAID, {});
    await sendNumbered(queue, PLACED, 2);
    await until("its own are handled", () => consumer.stats().handled === 2);
    await sleep(50);
    expect(types).toEqual([PLACED, PLACED]);
    expect(await infoOf(queue)).toMatchObject({ pending: 1, deadLetters: 0, retrying: 0 });
  });

  mixed(
    "a retry waits for a member that has a handler for it, and loses no attempt",
    async (lab) => {
      const queue = lab.open();
      const both = queue.group("mailer", { eventTypes: [PLACED, PAID], maxAttempts: 2 });
      const placed = queue.group("mailer", { eventTypes: [PLACED] });
      await queue.send(PAID, { n: 1 });
      await (await receiveOne(both)).nack({ delayMs: 0, reason: "no" });
      await queue.send(PLACED, { n: 2 });
      expect(numbersOf(await receiveAll(placed))).toEqual([2]);
      expect(await placed.receive()).toEqual([]);
      expect(await receiveOne(both)).toMatchObject({ type: PAID, attempt: 2, redelivered: true });
    },
  );

  mixed(
    "what a member leased that is gone waits for one that has a handler for it",
    async (lab) => {
      const queue = lab.open();
      const both = queue.group("mailer", { eventTypes: [PLACED, PAID] });
      const placed = queue.group("mailer", { eventTypes: [PLACED] });
      await queue.send(PAID, { n: 1 });
      await receiveOne(both, 30);
      await sleep(60);
      await queue.send(PLACED, { n: 2 });
      expect(numbersOf(await receiveAll(placed))).toEqual([2]);
      expect(await receiveOne(both)).toMatchObject({ type: PAID, attempt: 2 });
    },
  );

  mixed(
    "whoever waits for what was set aside is woken",
    async (lab) => {
      const queue = lab.open();
      const other = lab.open();
      const placed = queue.group("mailer", { eventTypes: [PLACED] });
      const paid = other.group("mailer", { eventTypes: [PAID] });
      expect(await paid.receive()).toEqual([]);
      expect(await placed.receive()).toEqual([]);
      const waiting = receiveOne(paid);
      await queue.sendMany([
        { type: PAID, payload: { n: 1 } },
        { type: PLACED, payload: { n: 2 } },
      ]);
      expect((await receiveOne(placed)).payload).toEqual({ n: 2 });
      expect((await waiting).payload).toEqual({ n: 1 });
    },
    ["multipleInstances"],
  );

  mixed(
    "events of a key stay in order, whoever handles which of them",
    async (lab) => {
      const queue = lab.open();
      const placed = queue.group("mailer", { eventTypes: [PLACED] });
      const paid = queue.group("mailer", { eventTypes: [PAID] });
      await paid.ensure();
      await placed.ensure();
      await queue.sendMany([
        { type: PAID, payload: { n: 1 }, key: "a" },
        { type: PLACED, payload: { n: 2 }, key: "a" },
        { type: PLACED, payload: { n: 3 } },
        { type: PAID, payload: { n: 4 }, key: "a" },
      ]);
      expect(numbersOf(await receiveAll(placed))).toEqual([3]);
      const first = await receiveOne(paid);
      expect(first.payload).toEqual({ n: 1 });
      expect(await placed.receive()).toEqual([]);
      await first.ack();
      const second = await receiveOne(placed);
      expect(second.payload).toEqual({ n: 2 });
      expect(await paid.receive()).toEqual([]);
      await second.ack();
      expect((await receiveOne(paid)).payload).toEqual({ n: 4 });
    },
    ["perKeyOrder"],
  );

  mixed(
    "a type begins where it was first wanted, whether or not the group is behind",
    async (lab) => {
      const queue = lab.open();
      const placed = queue.group("mailer", { eventTypes: [PLACED], from: "beginning" });
      await placed.ensure();
      await sendNumbered(queue, PLACED, 2);
      await sendNumbered(queue, PAID, 2);
      const both = queue.group("mailer", { eventTypes: [PLACED, PAID], from: "beginning" });
      expect(await both.ensure()).toMatchObject({ pending: 2 });
      await queue.send(PAID, { n: 9 });
      expect(await infoOf(queue)).toMatchObject({ pending: 3 });
      expect(numbersOf(await receiveAll(both))).toEqual([1, 2, 9]);
    },
  );

  mixed("a group goes back to all its types when it is moved back", async (lab) => {
    const queue = lab.open();
    await queue.group("mailer", { eventTypes: [PLACED] }).ensure();
    await queue.send(PAID, { n: 1 });
    const both = queue.group("mailer", { eventTypes: [PLACED, PAID] });
    expect(await both.receive()).toEqual([]);
    expect(await queue.groups.seek("mailer", "beginning")).toMatchObject({ pending: 1 });
    expect(numbersOf(await receiveAll(both))).toEqual([1]);
  });

  mixed("while nobody is there the group wants what it wanted last", async (lab) => {
    const queue = lab.open();
    const consumer = queue.consume({ group: "mailer", eventTypes: [PLACED, PAID] }, () => {});
    await until("it has joined", async () => (await queue.groups.list()).length === 1);
    await consumer.stop();
    await sendNumbered(queue, PAID, 2);
    expect(await infoOf(queue)).toMatchObject({ eventTypes: [PAID, PLACED], pending: 2 });
  });

  mixed("members without a type in common are told", async (lab) => {
    const queue = lab.open();
    const warnings = warningsOf();
    queue.consume({ group: "mailer", eventTypes: [PLACED] }, () => {});
    await until("it has joined", async () => (await queue.groups.list()).length === 1);
    queue.consume({ group: "mailer", eventTypes: [PAID, PLACED] }, () => {});
    await queue.group("mailer", { eventTypes: ["ORDER_SHIPPED"] }).receive();
    await warnings.until(`"mailer" has members with nothing in common`);
    expect(warnings.end().join()).toContain("handles ORDER_SHIPPED");
  });

  mixed("a group sets aside so many, and then waits; its health names the type", async (lab) => {
    const queue = lab.open();
    const placed = queue.group("mailer", { eventTypes: [PLACED] });
    const paid = queue.group("mailer", { eventTypes: [PAID] });
    await paid.ensure();
    await placed.ensure();
    await sendNumbered(queue, PAID, MOST_SET_ASIDE);
    await queue.send(PLACED, { n: 1 });
    await queue.send(PAID, { n: 0 });
    await queue.send(PLACED, { n: 2 });
    expect(numbersOf(await receiveAll(placed))).toEqual([1]);
    expect(await infoOf(queue)).toMatchObject({ setAside: { [PAID]: MOST_SET_ASIDE } });
    const { problems } = await queue.health();
    expect(problems).toMatchObject([
      { code: "GROUP_WAITS", message: expect.stringContaining(`${MOST_SET_ASIDE} of ${PAID}`) },
    ]);
    const [one] = await paid.receive({ limit: 1 });
    expect(one?.payload).toEqual({ n: 1 });
    await one?.ack();
    expect(numbersOf(await receiveAll(placed))).toEqual([2]);
  });

  mixed(
    "a type that nobody has wanted for a minute ends: what was pending is skipped, counted and reported",
    async (lab) => {
      await withClock(async () => {
        const queue = lab.open();
        const warnings = warningsOf();
        const both = queue.consume({ group: "mailer", eventTypes: [PLACED, PAID] }, () => {});
        await until("it has joined", async () => (await queue.groups.list()).length === 1);
        await both.stop();
        // It is there for as long as its lease.
        const placed = queue.group("mailer", { eventTypes: [PLACED], leaseMs: 600_000 });
        await sendNumbered(queue, PAID, 2);
        await queue.send(PLACED, { n: 1 });
        await (await receiveOne(placed)).ack();
        await queue.send(PAID, { n: 3 });
        leap(59_000);
        expect(await placed.receive()).toEqual([]);
        expect(await infoOf(queue)).toMatchObject({ eventTypes: [PAID, PLACED], pending: 3 });
        leap(2_000);
        expect(await placed.receive()).toEqual([]);
        await until("it has ended", async () => (await infoOf(queue))?.eventTypes?.length === 1);
        expect(await infoOf(queue)).toMatchObject({
          eventTypes: [PLACED],
          pending: 0,
          skipped: 3,
          setAside: {},
        });
        expect((await queue.stats()).dropped["type-ended"]).toBe(3);
        await warnings.until(`is done with ${PAID}`);
        warnings.end();

        const again = queue.group("mailer", { eventTypes: [PLACED, PAID] });
        expect(await again.receive()).toEqual([]);
        await queue.send(PAID, { n: 4 });
        expect(numbersOf(await receiveAll(again))).toEqual([4]);
      });
    },
    ["clock"],
  );

  mixed(
    "a type that somebody wants again within the minute goes on",
    async (lab) => {
      await withClock(async () => {
        const queue = lab.open();
        const both = queue.group("mailer", { eventTypes: [PLACED, PAID], leaseMs: 5_000 });
        const placed = queue.group("mailer", { eventTypes: [PLACED], leaseMs: 600_000 });
        expect(await both.receive()).toEqual([]);
        await queue.send(PAID, { n: 1 });
        for (let round = 0; round < 3; round += 1) {
          leap(45_000);
          expect(await placed.receive()).toEqual([]);
          expect(
            numbersOf(
              await receiveAll(
                queue.group("mailer", { eventTypes: [PLACED, PAID], leaseMs: 5_000 }),
              ),
            ),
          ).toHaveLength(1);
        }
        expect(await infoOf(queue)).toMatchObject({ eventTypes: [PAID, PLACED], pending: 1 });
      });
    },
    ["clock"],
  );

  mixed(
    "the minute counts only while somebody is there",
    async (lab) => {
      await withClock(async () => {
        const queue = lab.open();
        const both = queue.group("mailer", { eventTypes: [PLACED, PAID] });
        expect(await both.receive()).toEqual([]);
        await queue.send(PAID, { n: 1 });
        leap(3_600_000);
        const placed = queue.group("mailer", { eventTypes: [PLACED] });
        expect(await placed.receive()).toEqual([]);
        leap(3_600_000);
        expect(await placed.receive()).toEqual([]);
        expect(await infoOf(queue)).toMatchObject({ eventTypes: [PAID, PLACED], pending: 1 });
      });
    },
    ["clock"],
  );

  mixed(
    "whoever was gone is gone, also when the clock is set back, and comes back as a new member",
    async (lab) => {
      await withClock(async () => {
        const queue = lab.open();
        const both = queue.group("mailer", { eventTypes: [PLACED, PAID], maxAttempts: 2 });
        expect(await both.receive()).toEqual([]);
        leap(40_000);
        await infoOf(queue);
        leap(-7_200_000);
        const placed = { eventTypes: [PLACED], maxAttempts: 7, leaseMs: 600_000 };
        expect(await queue.group("mailer", placed).receive()).toEqual([]);
        leap(61_000);
        await until(
          "a type has ended",
          async () => (await infoOf(queue))?.eventTypes?.length === 1,
        );
        expect(await both.receive()).toEqual([]);
        expect(await infoOf(queue)).toMatchObject({ eventTypes: [PAID, PLACED], maxAttempts: 2 });
      });
    },
    ["clock"],
  );

  mixed(
    "whoever prolongs its lease is there, and so are its types",
    async (lab) => {
      await withClock(async () => {
        const queue = lab.open();
        await queue.send(PLACED, { n: 1 });
        const both = queue.group("mailer", { eventTypes: [PLACED, PAID] });
        const [event] = await both.receive();
        const placed = { eventTypes: [PLACED], leaseMs: 600_000 };
        expect(await queue.group("mailer", placed).receive()).toEqual([]);
        for (let round = 0; round < 6; round += 1) {
          leap(20_000);
          expect(await event?.extend(30_000)).toBe(true);
          expect(await infoOf(queue)).toMatchObject({ eventTypes: [PAID, PLACED] });
        }
      });
    },
    ["clock"],
  );
}

async function infoOf(queue: EventQueue): Promise<GroupInfo | undefined> {
  return (await queue.groups.list())[0];
}
