import { expect } from "vitest";
import type { CarriedLetter } from "../../backend/migration-backend.ts";
import {
  type MigratableQueue,
  MIGRATION,
  type QueueMigration,
} from "../../migration/queue-migration.ts";
import type { EventQueue } from "../../contract/event-queue.ts";
import { PermanentError } from "../../failures/errors.ts";
import { DEFAULT_GROUP_POLICY } from "../../checking/group-policy.ts";
import { PAID, PLACED, receiveAll, receiveOne, sendNumbered, type TestCase } from "./suite.ts";

const SOON = { initialMs: 0, maxMs: 0, jitter: 0 };
const LATE = { initialMs: 600_000, maxMs: 600_000, jitter: 0 };

/** The parts of the port that `migrateQueue` is made of. */
export function movingParts(test: TestCase): void {
  const moving: TestCase = (name, body, needs = []) => test(name, body, ["migration", ...needs]);

  moving("a group that was given nothing has its first event as the oldest one", async (lab) => {
    const queue = lab.open();
    await queue.group("all").ensure();
    await queue.group("paid", { eventTypes: [PAID] }).ensure();
    expect(await oldest(queue, "all")).toBeUndefined();
    await sendNumbered(queue, PLACED, 2);
    const { position } = await queue.send(PAID, {});
    expect(await oldest(queue, "all")).toBe(1);
    expect(await oldest(queue, "paid")).toBe(position);
  });

  moving(
    "a leased event, one that waits for its retry, and one behind its key are unsettled",
    async (lab) => {
      const queue = lab.open();
      await queue.sendMany([
        { type: PLACED, payload: { n: 1 } },
        { type: PLACED, payload: { n: 2 }, key: "k" },
        { type: PLACED, payload: { n: 3 }, key: "k" },
        { type: PLACED, payload: { n: 4 } },
      ]);
      const group = queue.group("mailer", { backoff: LATE });
      const [one, two, four] = await group.receive();
      expect(four?.payload).toEqual({ n: 4 });
      expect(await oldest(queue, "mailer")).toBe(1);
      await one?.ack();
      expect(await oldest(queue, "mailer")).toBe(2);
      await four?.ack();
      await two?.nack();
      expect(await oldest(queue, "mailer")).toBe(2);
      expect((await queue.groups.list())[0]).toMatchObject({ pending: 2, retrying: 1 });
    },
  );

  moving("of a key whose first event is settled, the next one is the oldest", async (lab) => {
    const queue = lab.open();
    for (let n = 1; n <= 3; n += 1) await queue.send(PLACED, { n }, { key: "k" });
    const group = queue.group("mailer");
    await (await receiveOne(group)).ack();
    expect(await oldest(queue, "mailer")).toBe(2);
    const two = await receiveOne(group);
    expect(await oldest(queue, "mailer")).toBe(2);
    await two.ack();
    expect(await oldest(queue, "mailer")).toBe(3);
  });

  moving(
    "what was set aside for another member is unsettled",
    async (lab) => {
      const queue = lab.open();
      await queue.group("mailer", { eventTypes: [PAID] }).ensure();
      await queue.group("mailer", { eventTypes: [PLACED] }).ensure();
      await queue.send(PAID, {});
      await queue.send(PLACED, {});
      await (await receiveOne(queue.group("mailer", { eventTypes: [PLACED] }))).ack();
      expect(await oldest(queue, "mailer")).toBe(1);
    },
    ["mixedTypes"],
  );

  moving(
    "dead letters and what was redriven aren't unsettled: they are among the letters",
    async (lab) => {
      const queue = lab.open();
      queue.deadLetters.onLetter(() => {});
      await sendNumbered(queue, PLACED, 3);
      const group = queue.group("mailer", { backoff: SOON, maxAttempts: 2 });
      const ids: string[] = [];
      for (const event of await receiveAll(group)) {
        ids.push(event.id);
        if (event.position === 3) await event.ack();
        else await event.nack({ reason: new PermanentError("no use") });
      }
      expect(await oldest(queue, "mailer")).toBeUndefined();
      await queue.deadLetters.redrive({ id: ids[1] });
      expect(await oldest(queue, "mailer")).toBeUndefined();
      const letters = await lettersOf(queue);
      expect(letters.map(({ record, isRedriven }) => [record.lineage.id, isRedriven])).toEqual([
        [ids[0], false],
        [ids[1], true],
      ]);
      await (await receiveOne(group)).ack();
      expect((await lettersOf(queue)).map(({ record }) => record.lineage.id)).toEqual([ids[0]]);
    },
  );

  moving(
    "delayed events are given page by page, each with its time",
    async (lab) => {
      const queue = lab.open();
      const sent = await queue.sendMany(
        Array.from({ length: 5 }, (_, n) => ({
          type: PLACED,
          payload: { n },
          key: "k",
          headers: { h: String(n) },
          delayMs: 600_000 - n,
        })),
      );
      const found = [];
      let after: string | undefined;
      do {
        const { items, next } = await portOf(queue).delayed({ after, limit: 2 });
        found.push(...items);
        after = next;
      } while (after !== undefined);
      const byId = new Map(found.map((event) => [event.id, event]));
      expect(byId.size).toBe(5);
      for (const { id, payload, key, headers, dueAt } of sent) {
        expect(byId.get(id)).toMatchObject({ payload, key, headers, dueAt, position: 0 });
      }
    },
    ["delayedSends"],
  );

  moving(
    "an event is found by its id, in the log and while it is delayed",
    async (lab) => {
      const queue = lab.open();
      const { id, position } = await queue.send(PLACED, {});
      const late = await queue.send(PAID, {}, { delayMs: 600_000 });
      expect(
        await portOf(queue).locate([
          { id, type: PLACED },
          { id: late.id, type: PAID },
          { id: "nobody's", type: PLACED },
        ]),
      ).toEqual([position, "delayed", undefined]);
    },
    ["delayedSends"],
  );

  moving(
    "letters of another queue are taken over once, and a redrive gives them to their group",
    async (lab) => {
      const queue = lab.open();
      const other = await lab.openAnother();
      for (const each of [queue, other]) each.deadLetters.onLetter(() => {});
      const [event] = await queue.sendMany([
        { type: PLACED, payload: { n: 1 }, key: "k", headers: { tenant: "acme" } },
        { type: PLACED, payload: { n: 2 } },
      ]);
      const failing = queue.group("mailer", { maxAttempts: 2, backoff: SOON });
      for (let n = 0; n < 4; n += 1)
        await (await receiveOne(failing)).nack({ reason: new TypeError("no") });
      const letters = await queue.deadLetters.list();
      const carried = await lettersOf(queue);
      await adopt(other, "mailer");
      await adopt(other, "ledger");
      expect(await portOf(other).adoptLetters(carried)).toBe(2);
      expect(await portOf(other).adoptLetters(carried)).toBe(0);
      const taken = await other.deadLetters.list();
      for (const [n, { position: _, ...letter }] of letters.entries()) {
        expect(taken[n]).toMatchObject(letter);
      }
      expect(taken).toHaveLength(2);
      expect((await other.stats()).events).toBe(0);
      expect(await other.deadLetters.redrive({})).toEqual({ count: 2 });
      const group = other.group("mailer");
      const both = [await receiveOne(group), await receiveOne(group)];
      const [again, next] = both.toSorted((one, another) => one.payload.n - another.payload.n);
      const { id, time, correlationId, source, origin } = event ?? {};
      expect(again).toMatchObject({ id, time, correlationId, source, origin, key: "k" });
      expect(again).toMatchObject({ payload: { n: 1 }, headers: { tenant: "acme" } });
      expect(both).toMatchObject([
        { attempt: 1, redelivered: true },
        { attempt: 1, redelivered: true },
      ]);
      expect(await again?.ack()).toBe(true);
      await next?.nack({ reason: new PermanentError("still no") });
      expect(await other.deadLetters.list()).toMatchObject([{ id: next?.id, attempts: 1 }]);
      expect(await other.group("ledger").receive()).toEqual([]);
    },
  );

  moving("a letter whose event is in the log has its position there", async (lab) => {
    const queue = lab.open();
    const other = await lab.openAnother();
    queue.deadLetters.onLetter(() => {});
    const event = await queue.send(PLACED, {});
    await (await receiveOne(queue.group("mailer"))).nack({ reason: new PermanentError("no") });
    await other.send(PAID, {});
    const { type, payload, id, time, source, origin, correlationId, via } = event;
    const lineage = { id, time, source, origin, correlationId, via };
    const [stored] = await portOf(other).sendMany([{ type, payload, lineage }]);
    await adopt(other, "mailer");
    await portOf(other).adoptLetters(await lettersOf(queue));
    expect(await other.deadLetters.list()).toMatchObject([{ id, position: stored?.position }]);
  });

  moving("an adopted group begins where it was told, with its whole policy", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 4);
    const policy = {
      ...DEFAULT_GROUP_POLICY,
      eventTypes: [PLACED],
      maxAttempts: 7,
      leaseMs: 1_234,
      holdMs: 77_777,
      handlerTimeoutMs: 555,
      skipAfterMs: 88_888_888,
      paused: true,
    };
    const adopted = { name: "mailer", policy, isReader: false, after: 1, againUpTo: 3 };
    await portOf(queue).adoptGroup(adopted);
    const { eventTypes, paused: _, ...values } = policy;
    expect(await queue.groups.list()).toMatchObject([
      { ...values, name: "mailer", kind: "work", eventTypes, pending: 3, paused: true },
    ]);
    expect(await queue.group("mailer").receive()).toEqual([]);
    await queue.groups.configure("mailer", { paused: false });
    const events = await receiveAll(queue.group("mailer"));
    // Those that the other queue had given to its members may have been handled.
    expect(events.map(({ position, redelivered }) => [position, redelivered])).toEqual([
      [2, true],
      [3, true],
      [4, false],
    ]);
  });

  moving("an adopted group is moved as long as nobody was given anything of it", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 4);
    await adopt(queue, "mailer", 1);
    await adopt(queue, "mailer", 3);
    const group = queue.group("mailer");
    expect((await receiveOne(group)).position).toBe(4);
    await adopt(queue, "mailer", 1);
    expect(await group.receive()).toEqual([]);
    await queue.group("own").ensure();
    await adopt(queue, "own", 3);
    expect((await queue.groups.list()).map(({ name, pending }) => [name, pending])).toEqual([
      ["mailer", 1],
      ["own", 4],
    ]);
  });
}

function portOf(queue: EventQueue): QueueMigration {
  // The cast is safe: the case is skipped for a queue that hasn't got it.
  return (queue as unknown as MigratableQueue)[MIGRATION]();
}

function oldest(queue: EventQueue, group: string): Promise<number | undefined> {
  return portOf(queue).oldestUnsettled(group);
}

function adopt(queue: EventQueue, name: string, after = 0): Promise<void> {
  const policy = DEFAULT_GROUP_POLICY;
  return portOf(queue).adoptGroup({ name, policy, isReader: false, after, againUpTo: 0 });
}

async function lettersOf(queue: EventQueue): Promise<CarriedLetter[]> {
  const found: CarriedLetter[] = [];
  let after: string | undefined;
  do {
    const { items, next } = await portOf(queue).letters({ after, limit: 1 });
    found.push(...items);
    after = next;
  } while (after !== undefined);
  return found;
}
