import { expect } from "vitest";
import {
  expectCode,
  numbersOf,
  PAID,
  PLACED,
  receiveAll,
  sendNumbered,
  sleep,
  type TestCase,
} from "../harness/suite.ts";

export function policies(test: TestCase): void {
  test("a new group begins at the beginning of what is retained", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    expect(numbersOf(await queue.group("mailer").receive())).toEqual([1, 2, 3]);
  });

  test("a new group from now misses what was, and nothing that comes", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const group = queue.group("mailer", { from: "now" });
    expect(await group.ensure()).toMatchObject({ created: true, pending: 0 });
    await queue.send(PLACED, { n: 3 });
    expect(numbersOf(await group.receive())).toEqual([3]);
  });

  test("a position to begin at is inclusive", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const position = (await queue.history())[1]?.position ?? 0;
    const group = queue.group("mailer", { from: { position } });
    expect(numbersOf(await group.receive())).toEqual([2, 3]);
  });

  test("a position beyond the newest means now", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const group = queue.group("mailer", { from: { position: 1_000 } });
    await group.ensure();
    await queue.send(PLACED, { n: 2 });
    expect(numbersOf(await group.receive())).toEqual([2]);
  });

  test("a time to begin at is when the log stored the event", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await sleep(20);
    const { storedAt } = await queue.send(PLACED, { n: 2 });
    const group = queue.group("mailer", { from: { time: new Date(storedAt) } });
    expect(numbersOf(await group.receive())).toEqual([2]);
  });

  test("an existing group goes on at its cursor, whatever from says, and ensure says so", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    await queue.group("mailer").ensure();
    const again = queue.group("mailer", { from: "now" });
    expect(await again.ensure()).toMatchObject({ created: false, pending: 2 });
    expect(numbersOf(await again.receive())).toEqual([1, 2]);
  });

  test("a group reads its types only", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await queue.send(PAID, { n: 2 });
    await queue.send(PLACED, { n: 3 });
    const group = queue.group("mailer", { eventTypes: [PLACED] });
    expect(await group.ensure()).toMatchObject({ eventTypes: [PLACED], pending: 2 });
    expect(numbersOf(await receiveAll(group))).toEqual([1, 3]);
  });

  test("ensure shows the policy, with the defaults for what was left out", async (lab) => {
    const info = await lab.open().group("mailer", { maxAttempts: 3 }).ensure();
    expect(info).toMatchObject({
      name: "mailer",
      eventTypes: undefined,
      maxAttempts: 3,
      leaseMs: 30_000,
      kind: "work",
      expireAfterMs: 604_800_000,
      holdMs: 2_592_000_000,
      skipAfterMs: undefined,
      handlerTimeoutMs: undefined,
      paused: false,
      setAside: {},
      skipped: 0,
      backoff: { initialMs: 100, maxMs: 60_000, factor: 2, jitter: 0.2 },
      claimedBy: undefined,
    });
  });

  const malformed: readonly (readonly [string, object, string])[] = [
    ["no attempts", { maxAttempts: 0 }, "INVALID_OPTION"],
    ["half an attempt", { maxAttempts: 1.5 }, "INVALID_OPTION"],
    ["endless attempts", { maxAttempts: Number.POSITIVE_INFINITY }, "INVALID_OPTION"],
    ["a lease of 1 ms", { leaseMs: 1 }, "INVALID_OPTION"],
    [
      "a backoff that shrinks",
      { backoff: { initialMs: 1, maxMs: 1, factor: 0.5 } },
      "INVALID_OPTION",
    ],
    ["a backoff above its maximum", { backoff: { initialMs: 9, maxMs: 1 } }, "INVALID_OPTION"],
    ["no types", { eventTypes: [] }, "INVALID_OPTION"],
    ["a malformed type", { eventTypes: ["order placed"] }, "INVALID_TYPE"],
    ["an option that doesn't exist", { maxAttemps: 5 }, "INVALID_OPTION"],
    ["a policy that doesn't exist", { policy: "strict" }, "INVALID_OPTION"],
    ["a start that doesn't exist", { from: "start" }, "INVALID_START"],
  ];
  for (const [name, policy, code] of malformed) {
    test(`group refuses ${name} at once`, async (lab) => {
      const queue = lab.open();
      await expectCode(() => queue.group("mailer", policy), code);
      expect(await queue.groups.list()).toEqual([]);
    });
  }

  for (const name of ["", "a b", "-x", "n".repeat(129)]) {
    test(`group refuses the name ${JSON.stringify(name.slice(0, 20))}`, async (lab) => {
      await expectCode(() => lab.open().group(name), "INVALID_OPTION");
    });
  }
}
