import { expect } from "vitest";
import type { GroupPolicy } from "../../contract/groups.ts";
import { warningsOf } from "../harness/warnings.ts";
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

/** Groups follow the code that is deployed: what a member states, and who is told what. */
export function following(test: TestCase): void {
  test("maxAttempts that a member states holds for the events that it handles", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const old = queue.group("mailer", { maxAttempts: 3 });
    const [first] = await old.receive({ limit: 1 });
    const [second] = await queue.group("mailer", { maxAttempts: 1 }).receive({ limit: 1 });
    await first?.nack({ reason: "no", delayMs: 60_000 });
    await second?.nack({ reason: "no", delayMs: 60_000 });
    expect(await queue.deadLetters.list()).toMatchObject([{ payload: { n: 2 }, attempts: 1 }]);
    expect((await queue.groups.list())[0]).toMatchObject({ retrying: 1, deadLetters: 1 });
  });

  test("maxAttempts that was changed after an event was leased holds when it is nacked", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const group = queue.group("mailer");
    await queue.group("mailer", { maxAttempts: 1 }).ensure();
    const [first, second] = await group.receive();
    await queue.groups.configure("mailer", { maxAttempts: 2 });
    await first?.nack({ delayMs: 60_000 });
    expect(await queue.deadLetters.list()).toEqual([]);
    await queue.group("mailer", { maxAttempts: 1 }).ensure();
    await second?.nack({ delayMs: 60_000 });
    expect(await queue.deadLetters.list()).toMatchObject([{ payload: { n: 2 }, attempts: 1 }]);
  });

  test("an event that waits for its retry gets it, though fewer attempts are allowed by then", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await queue.send(PLACED, { n: 2 }, { key: "a" });
    const group = queue.group("mailer");
    for (const event of await group.receive()) await event.nack({ delayMs: 100 });
    await queue.groups.configure("mailer", { maxAttempts: 1 });
    for (const _ of [1, 2]) {
      const again = await receiveOne(group);
      expect(again.attempt).toBe(2);
      await again.nack({ reason: "no" });
    }
    expect(await queue.deadLetters.list()).toMatchObject([{ attempts: 2 }, { attempts: 2 }]);
  });

  test("a consumer's count of dead letters goes by what it states itself", async (lab) => {
    const queue = lab.open();
    await queue.group("mailer", { maxAttempts: 5 }).ensure();
    await queue.send(PLACED, {});
    const consumer = queue.consume({ group: "mailer", maxAttempts: 1 }, () => {
      throw new Error("no");
    });
    await until("it is dead", () => consumer.stats().deadLettered === 1);
    expect(await queue.deadLetters.list()).toMatchObject([{ attempts: 1 }]);
  });

  test("backoff that a member states holds for the events that it handles", async (lab) => {
    const queue = lab.open();
    const slow = { initialMs: 60_000, maxMs: 60_000 };
    await queue.group("mailer", { backoff: slow }).ensure();
    await queue.send(PLACED, { n: 1 });
    const quick = queue.group("mailer", { backoff: { initialMs: 0, maxMs: 0 } });
    await (await receiveOne(quick)).nack({ reason: "no" });
    expect(await receiveOne(quick)).toMatchObject({ attempt: 2 });
  });

  test("leaseMs that a member states holds for the events that it handles", async (lab) => {
    const queue = lab.open();
    await queue.group("mailer", { leaseMs: 5_000 }).ensure();
    await sendNumbered(queue, PLACED, 2);
    const one = await receiveOne(queue.group("mailer", { leaseMs: 500_000 }));
    expect(one.leaseUntil - Date.now()).toBeGreaterThan(400_000);
  });

  test("for what a member leaves out, what was stated last holds", async (lab) => {
    const queue = lab.open();
    const backoff = { initialMs: 7 };
    await queue.group("mailer", { maxAttempts: 3, leaseMs: 5_000, backoff }).ensure();
    const changed = { maxAttempts: 5, backoff: { maxMs: 9_000 } };
    expect(await queue.group("mailer", changed).ensure()).toMatchObject({
      created: false,
      maxAttempts: 5,
      leaseMs: 5_000,
    });
    expect(await queue.group("mailer").ensure()).toMatchObject({
      maxAttempts: 5,
      leaseMs: 5_000,
      backoff: { initialMs: 7, maxMs: 9_000 },
    });
  });

  test("handlerTimeoutMs that a consumer states is stored, and holds for one that leaves it out", async (lab) => {
    const queue = lab.open();
    const first = queue.consume({ group: "mailer", handlerTimeoutMs: 40 }, () => {});
    await until("it is stored", async () => {
      return (await queue.groups.list())[0]?.handlerTimeoutMs === 40;
    });
    await first.stop();
    const consumer = queue.consume({ group: "mailer", maxAttempts: 1 }, () => sleep(20_000));
    await queue.send(PLACED, {});
    await until("it ran out of time", () => consumer.stats().deadLettered === 1);
    expect(await queue.deadLetters.list()).toMatchObject([{ error: { code: "HANDLER_TIMEOUT" } }]);
  });

  test("a change of what is stored is reported, with the values", async (lab) => {
    const queue = lab.open();
    await queue.group("mailer", { maxAttempts: 3 }).ensure();
    const warnings = warningsOf();
    await queue.group("mailer", { maxAttempts: 3 }).ensure();
    await queue.group("mailer", { maxAttempts: 5 }).ensure();
    await warnings.until("maxAttempts from 3 to 5");
    expect(warnings.end()).toHaveLength(1);
  });

  const stored: GroupPolicy = {
    eventTypes: [PLACED],
    maxAttempts: 3,
    leaseMs: 5_000,
    expireAfterMs: 60_000_000,
    skipAfterMs: 50_000_000,
    holdMs: 90_000_000,
    backoff: { initialMs: 10, maxMs: 1_000, factor: 3, jitter: 0 },
  };
  const others: readonly (readonly [string, GroupPolicy])[] = [
    ["eventTypes", { eventTypes: [PLACED, PAID] }],
    ["maxAttempts", { maxAttempts: 4 }],
    ["leaseMs", { leaseMs: 6_000 }],
    ["expireAfterMs", { expireAfterMs: 70_000_000 }],
    ["skipAfterMs", { skipAfterMs: 70_000_000 }],
    ["holdMs", { holdMs: 70_000_000 }],
    ["backoff.initialMs", { backoff: { initialMs: 11 } }],
    ["backoff.factor", { backoff: { factor: 2 } }],
  ];
  for (const [field, policy] of others) {
    test(`a member that requires another ${field} is refused, and the message names it`, async (lab) => {
      const queue = lab.open();
      await queue.group("mailer", stored).ensure();
      const other = queue.group("mailer", { ...policy, policy: "require" });
      const error = await expectCode(() => other.ensure(), "GROUP_CONFIG_MISMATCH");
      expect(error.message).toContain(field);
      expect(error.message).not.toContain("remove");
      await expectCode(() => other.receive(), "GROUP_CONFIG_MISMATCH");
      expect(await queue.groups.list()).toMatchObject([{ maxAttempts: 3, eventTypes: [PLACED] }]);
    });
  }

  test("a member that requires what is stored, or leaves it out, is welcome", async (lab) => {
    const queue = lab.open();
    await queue.group("mailer", { ...stored, eventTypes: [PLACED, PAID] }).ensure();
    const same = { ...stored, eventTypes: [PAID, PLACED, PAID], policy: "require" } as const;
    expect(await queue.group("mailer", same).ensure()).toMatchObject({ created: false });
    const part = { backoff: { maxMs: 1_000 }, policy: "require" } as const;
    expect(await queue.group("mailer", part).ensure()).toMatchObject({ created: false });
  });

  test("configure changes what is stored, by hand", async (lab) => {
    const queue = lab.open();
    await queue.group("mailer", stored).ensure();
    const change = { maxAttempts: 9, skipAfterMs: null, handlerTimeoutMs: 1_000, leaseMs: 7_000 };
    const changed = {
      maxAttempts: 9,
      skipAfterMs: undefined,
      handlerTimeoutMs: 1_000,
      leaseMs: 7_000,
      eventTypes: [PLACED],
    };
    expect(await queue.groups.configure("mailer", change)).toMatchObject(changed);
    expect(await queue.group("mailer").ensure()).toMatchObject(changed);
    await expectCode(() => queue.groups.configure("nobody", change), "GROUP_NOT_FOUND");
    await expectCode(() => queue.groups.configure("mailer", {}), "INVALID_OPTION");
    await expectCode(() => queue.groups.configure("mailer", { maxAttempts: 0 }), "INVALID_OPTION");
  });

  test("a paused group gives no events, and goes on when it isn't any more", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer");
    await sendNumbered(queue, PLACED, 2);
    const [first] = await group.receive({ limit: 1 });
    expect(await queue.groups.configure("mailer", { paused: true })).toMatchObject({
      paused: true,
    });
    expect(await first?.ack()).toBe(true);
    expect(await group.receive({ waitMs: 50 })).toEqual([]);
    const waiting = receiveOne(group);
    await sleep(30);
    await queue.groups.configure("mailer", { paused: false });
    expect((await waiting).payload).toEqual({ n: 2 });
  });

  test("a group that is removed isn't made again by those who work for it: they are told", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const reported: unknown[] = [];
    const onError = (error: unknown): void => void reported.push(error);
    const consumer = queue.consume({ group: "mailer", onError }, () => {});
    await until("all are handled", () => consumer.stats().handled === 3);
    expect(await queue.groups.remove("mailer")).toBe(true);
    expect(await consumer.ended).toMatchObject({ code: "GROUP_REMOVED" });
    expect(reported).toMatchObject([{ code: "GROUP_REMOVED" }]);
    expect(consumer.stats()).toMatchObject({ state: "stopped", handled: 3 });
    expect(await queue.groups.list()).toEqual([]);
  });

  test("whoever waits in a group that is removed learns of it at once, and so does a later call", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer");
    expect(await group.receive()).toEqual([]);
    const waiting = expectCode(() => group.receive({ waitMs: 20_000 }), "GROUP_REMOVED");
    await sleep(50);
    await queue.groups.remove("mailer");
    await waiting;
    await expectCode(() => group.receive(), "GROUP_REMOVED");
    expect(await queue.groups.list()).toEqual([]);
    expect(await group.ensure()).toMatchObject({ created: true });
    expect(await group.receive()).toEqual([]);
  });

  test("where a new group begins has to be stated, if so asked, while there are events for it", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer", { eventTypes: [PLACED] });
    await sendNumbered(queue, PLACED, 3);
    await sendNumbered(queue, PAID, 2);
    const ensure = () => group.ensure({ requireFrom: true });
    const error = await expectCode(ensure, "GROUP_START_UNSTATED");
    expect(error.message).toContain("holds 3 events");
    expect(await queue.groups.list()).toEqual([]);
    const stating = queue.group("mailer", { eventTypes: [PLACED], from: "beginning" });
    expect(await stating.ensure({ requireFrom: true })).toMatchObject({ created: true });
    expect(await ensure()).toMatchObject({ created: false, pending: 3 });
    expect(numbersOf(await receiveAll(group))).toEqual([1, 2, 3]);
  });

  test("a new group that finds no events needn't say where it begins", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PAID, 2);
    const group = queue.group("mailer", { eventTypes: [PLACED] });
    expect(await group.ensure({ requireFrom: true })).toMatchObject({ created: true, pending: 0 });
  });
}
