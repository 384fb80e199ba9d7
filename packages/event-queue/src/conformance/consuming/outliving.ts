import { expect } from "vitest";
import { PermanentError } from "../../failures/errors.ts";
import { leap, withClock } from "../harness/clock.ts";
import {
  expectCode,
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

const DAY_MS = 86_400_000;

/** Groups that nobody serves: reading groups of nodes, and work groups. */
export function outliving(test: TestCase): void {
  const kinds: TestCase = (name, body, needs = []) => test(name, body, ["groupKinds", ...needs]);

  kinds(
    "a group whose name is claimed is its holder's reading group, and stays one",
    async (lab) => {
      const queue = lab.open();
      const claim = await queue.groups.claim("trainer-1", { holder: "node-a" });
      await queue.group("mailer").ensure();
      expect(await queue.group("trainer-1").ensure()).toMatchObject({ kind: "reader" });
      await claim.release();
      await queue.group("trainer-2").ensure();
      await queue.groups.claim("trainer-2", { holder: "node-b" });
      expect((await queue.groups.list()).map(({ name, kind }) => [name, kind])).toEqual([
        ["mailer", "work"],
        ["trainer-1", "reader"],
        ["trainer-2", "reader"],
      ]);
    },
  );

  kinds("a node's reading group refuses a member that wants some types only", async (lab) => {
    const queue = lab.open();
    await queue.groups.claim("trainer-1", { holder: "node-a" });
    await queue.group("trainer-1").ensure();
    const work = queue.group("trainer-1", { eventTypes: [PLACED] });
    const error = await expectCode(() => work.ensure(), "GROUP_CONFIG_MISMATCH");
    expect(error.message).toContain("reading group of a node");
    await expectCode(() => work.receive(), "GROUP_CONFIG_MISMATCH");
  });

  kinds(
    "the reading group of a node that isn't there holds no sender back",
    async (lab) => {
      const queue = lab.open({ maxBacklog: 2, backlogWaitMs: 0 });
      const claim = await queue.groups.claim("trainer-1", { holder: "node-a", ttlMs: 60_000 });
      await queue.group("trainer-1").ensure();
      await sendNumbered(queue, PLACED, 2);
      await expectCode(() => queue.send(PLACED, {}), "BACKLOG_FULL");
      expect((await queue.health()).problems).toMatchObject([
        { code: "SENDERS_HELD_BACK", subject: "trainer-1" },
      ]);
      await claim.release();
      await sleep(150);
      await queue.send(PLACED, {});
      expect(await queue.health()).toMatchObject({ ok: true, problems: [] });
    },
    ["backpressure"],
  );

  kinds(
    "a reading group that nobody served for expireAfterMs expires, with what it had pending: counted and reported",
    async (lab) => {
      const queue = lab.open();
      const warnings = warningsOf();
      await queue.group("keeper").ensure();
      const claim = await queue.groups.claim("trainer-1", { holder: "node-a" });
      await queue.group("trainer-1", { expireAfterMs: 100 }).ensure();
      await claim.release();
      await sendNumbered(queue, PLACED, 3);
      await until("it is gone", async () => (await queue.groups.list()).length === 1);
      expect((await queue.groups.list())[0]?.name).toBe("keeper");
      expect((await queue.stats()).dropped["group-expired"]).toBe(3);
      await warnings.until('Group "trainer-1" expired');
      warnings.end();
      expect(await queue.group("trainer-1").ensure()).toMatchObject({ created: true });
    },
    ["groupExpiry"],
  );

  kinds(
    "a work group with anything pending or dead doesn't expire, an empty one does",
    async (lab) => {
      const queue = lab.open();
      const expireAfterMs = 100;
      const dying = queue.group("dying", { eventTypes: [PAID], expireAfterMs });
      await queue.group("empty", { eventTypes: ["ORDER_SHIPPED"], expireAfterMs }).ensure();
      await queue.group("waiting", { eventTypes: [PLACED], expireAfterMs }).ensure();
      await queue.send(PAID, {});
      await queue.send(PLACED, {});
      await (await receiveOne(dying)).nack({ reason: new PermanentError("no") });
      await until("the empty one is gone", async () => (await queue.groups.list()).length === 2);
      await sleep(300);
      expect(await queue.groups.list()).toMatchObject([
        { name: "dying", pending: 0, deadLetters: 1 },
        { name: "waiting", pending: 1, deadLetters: 0 },
      ]);
      expect((await queue.stats()).dropped["group-expired"] ?? 0).toBe(0);
    },
    ["groupExpiry"],
  );

  kinds(
    "from the first day on, health names a group that nobody serves, and what it holds",
    async (lab) => {
      await withClock(async () => {
        const queue = lab.open({ retentionMs: 60 * DAY_MS });
        await queue.group("mailer", { eventTypes: [PLACED] }).ensure();
        await sendNumbered(queue, PLACED, 2);
        leap(0.9 * DAY_MS);
        expect(await queue.health()).toMatchObject({ problems: [] });
        leap(0.2 * DAY_MS);
        const [problem] = (await queue.health()).problems;
        expect(problem).toMatchObject({ code: "GROUP_UNSERVED", subject: "mailer" });
        expect(problem?.message).toContain("2 pending events");
      });
    },
    ["clock"],
  );

  kinds(
    "a work group that nobody served for holdMs holds back retention no more: what it misses is counted and reported",
    async (lab) => {
      await withClock(async () => {
        const queue = lab.open({ retentionMs: DAY_MS });
        const warnings = warningsOf();
        const mailer = queue.group("mailer", { eventTypes: [PLACED], holdMs: 10 * DAY_MS });
        await mailer.ensure();
        await sendNumbered(queue, PLACED, 3);
        await sendNumbered(queue, PAID, 2);
        leap(9 * DAY_MS);
        expect(await queue.stats()).toMatchObject({ events: 5 });
        leap(2 * DAY_MS);
        await queue.send(PLACED, { n: 4 });
        await until("retention has them", async () => (await queue.stats()).events === 1);
        expect(await queue.groups.list()).toMatchObject([
          { name: "mailer", pending: 1, skipped: 3 },
        ]);
        expect((await queue.stats()).dropped).toMatchObject({ missed: 3 });
        await warnings.until('Group "mailer" missed 3 events');
        warnings.end();
        expect(numbersOf(await receiveAll(mailer))).toEqual([4]);
      });
    },
    ["clock", "retention"],
  );

  test(
    "dead letters have a retention of their own, and are counted",
    async (lab) => {
      await withClock(async () => {
        const queue = lab.open();
        const group = queue.group("mailer", { expireAfterMs: 90 * DAY_MS });
        await queue.send(PLACED, { n: 1 });
        await (await receiveOne(group)).nack({ reason: new PermanentError("no") });
        leap(29 * DAY_MS);
        await queue.stats();
        expect(await queue.deadLetters.list()).toHaveLength(1);
        leap(2 * DAY_MS);
        await until("it is gone", async () => (await queue.stats()).deadLetters === 0);
        expect(await queue.deadLetters.list()).toEqual([]);
        expect((await queue.stats()).dropped).toMatchObject({ "dead-letter-retention": 1 });
      });
    },
    ["clock", "deadLetterRetention"],
  );
}
