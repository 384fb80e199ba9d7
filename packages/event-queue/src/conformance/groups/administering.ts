import { expect } from "vitest";
import { PermanentError } from "../../failures/errors.ts";
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

export function administering(test: TestCase): void {
  test("groups are listed by name with exact counts", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 5);
    await sendNumbered(queue, PAID, 2);
    const mailer = queue.group("mailer", { eventTypes: [PLACED] });
    await queue.group("ledger").ensure();
    const counts = async (): Promise<unknown> => {
      const [ledger, info] = await queue.groups.list();
      expect(ledger).toMatchObject({ name: "ledger", pending: 7, inFlight: 0, retrying: 0 });
      return [info?.pending, info?.inFlight, info?.retrying, info?.deadLetters];
    };
    await mailer.ensure();
    expect(await counts()).toEqual([5, 0, 0, 0]);
    const [first, second, third] = await mailer.receive({ limit: 3 });
    expect(await counts()).toEqual([5, 3, 0, 0]);
    await first?.ack();
    expect(await counts()).toEqual([4, 2, 0, 0]);
    await second?.nack({ delayMs: 60_000 });
    expect(await counts()).toEqual([4, 1, 1, 0]);
    await third?.nack({ reason: new PermanentError("no") });
    expect(await counts()).toEqual([3, 0, 1, 1]);
    for (const event of await receiveAll(mailer)) await event.ack();
    expect(await counts()).toEqual([1, 0, 1, 1]);
  });

  test("the cursor is the last position claimed", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const [, second] = await queue.group("mailer").receive({ limit: 2 });
    expect((await queue.groups.list())[0]?.cursor).toBe(second?.position);
  });

  test("seek back delivers again, as if for the first time", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 3);
    const group = queue.group("mailer");
    for (const event of await group.receive()) await event.ack();
    const position = (await queue.history())[1]?.position ?? 0;
    const info = await queue.groups.seek("mailer", { position });
    expect(info).toMatchObject({ name: "mailer", pending: 2 });
    const again = await group.receive();
    expect(numbersOf(again)).toEqual([2, 3]);
    expect(again[0]).toMatchObject({ attempt: 1 });
  });

  test("seek to now skips what is pending, and drops leases and retries but no dead letters", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 4);
    const group = queue.group("mailer");
    const [leased, retried, dead] = await group.receive({ limit: 3 });
    await retried?.nack({ delayMs: 0 });
    await dead?.nack({ reason: new PermanentError("no") });
    expect(await queue.groups.seek("mailer", "now")).toMatchObject({
      pending: 0,
      inFlight: 0,
      retrying: 0,
      deadLetters: 1,
    });
    expect(await leased?.ack()).toBe(false);
    expect(await group.receive()).toEqual([]);
  });

  for (const key of [undefined, "a"]) {
    const what = key === undefined ? "an event" : "an event of a key";
    test(
      `a lease on ${what} is lost when another instance moves or removes the group`,
      async (lab) => {
        const [one, other] = [lab.open(), lab.open()];
        await one.send(PLACED, { n: 1 }, { key });
        const first = await receiveOne(one.group("mailer"), 60_000);
        await other.groups.seek("mailer", "now");
        expect(await first.ack()).toBe(false);
        await other.groups.seek("mailer", "beginning");
        const second = await receiveOne(one.group("mailer"), 60_000);
        await other.groups.remove("mailer");
        expect(await second.ack()).toBe(false);
        expect(await other.groups.list()).toEqual([]);
      },
      ["multipleInstances"],
    );
  }

  test("an event that a group had before it was moved isn't its dead letter any more", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    await queue.send(PLACED, { n: 2 }, { key: "a" });
    const leased = await queue.group("mailer").receive();
    await queue.groups.seek("mailer", "now");
    for (const event of leased) {
      expect(await event.nack({ reason: new PermanentError("no") })).toBe(false);
    }
    expect(await queue.deadLetters.list()).toEqual([]);
  });

  test("whoever moves a group doesn't serve it", async (lab) => {
    const queue = lab.open();
    const group = queue.group("mailer");
    await group.receive();
    const servedBy = Date.now();
    await sleep(500);
    const info = await queue.groups.seek("mailer", "now");
    expect(info.lastServedAt).toBeLessThan(servedBy + 400);
  });

  test("seek wakes whoever waits", async (lab) => {
    const queue = lab.open();
    await queue.send(PLACED, { n: 1 });
    const group = queue.group("mailer");
    await (await receiveOne(group)).ack();
    const waiting = receiveOne(group);
    await sleep(30);
    await queue.groups.seek("mailer", "beginning");
    expect((await waiting).payload).toEqual({ n: 1 });
  });

  test("seek of a group that doesn't exist is refused", async (lab) => {
    await expectCode(() => lab.open().groups.seek("nobody", "now"), "GROUP_NOT_FOUND");
  });

  test("remove takes a group with all it has", async (lab) => {
    const queue = lab.open();
    await sendNumbered(queue, PLACED, 2);
    const group = queue.group("mailer", { maxAttempts: 3 });
    const [leased, dead] = await group.receive();
    await dead?.nack({ reason: new PermanentError("no") });
    expect(await queue.groups.remove("mailer")).toBe(true);
    expect(await queue.groups.remove("mailer")).toBe(false);
    expect(await queue.groups.list()).toEqual([]);
    expect(await queue.deadLetters.list()).toEqual([]);
    expect(await leased?.ack()).toBe(false);
    const anew = queue.group("mailer", { maxAttempts: 4 });
    expect(numbersOf(await anew.receive())).toEqual([1, 2]);
    expect(await leased?.ack()).toBe(false);
  });

  test("a claimed group is refused to a second holder, with the first one's name", async (lab) => {
    const queue = lab.open();
    const claim = await queue.groups.claim("trainer-1", { holder: "node-a", ttlMs: 60_000 });
    expect(claim).toMatchObject({ group: "trainer-1", holder: "node-a" });
    const second = () => queue.groups.claim("trainer-1", { holder: "node-b" });
    expect((await expectCode(second, "GROUP_CLAIMED")).message).toContain("node-a");
    await queue.groups.claim("trainer-2", { holder: "node-b" });
    await queue.group("trainer-1").ensure();
    expect((await queue.groups.list())[0]?.claimedBy).toBe("node-a");
    expect(await claim.renew()).toBe(true);
    await claim.release();
    await claim.release();
    expect((await second()).holder).toBe("node-b");
    expect(await claim.renew()).toBe(false);
    await claim.release();
    expect((await queue.groups.list())[0]?.claimedBy).toBe("node-b");
  });

  test("a note that is left with a release is given to the next holders, until another one is left", async (lab) => {
    const queue = lab.open();
    const claim = (holder: string) => queue.groups.claim("trainer-1", { holder, ttlMs: 60_000 });
    await queue.group("trainer-1").ensure();
    const first = await claim("node-a");
    expect(first.note).toBeUndefined();
    await first.release({ note: { upTo: 7, except: ["x"] } });
    expect((await queue.groups.list())[0]?.claimedBy).toBeUndefined();
    // Nothing comes of a release by whoever doesn't have the name any more.
    await first.release({ note: "too late" });
    const second = await claim("node-b");
    expect(second.note).toEqual({ upTo: 7, except: ["x"] });
    expect(await first.renew()).toBe(false);
    expect(await second.renew()).toBe(true);
    await second.release();
    const third = await claim("node-c");
    expect(third.note).toEqual({ upTo: 7, except: ["x"] });
    await third.release({ note: null });
    expect((await claim("node-d")).note).toBeNull();
  });

  test("a note goes with its group", async (lab) => {
    const queue = lab.open();
    for (const isHeld of [false, true]) {
      await queue.group("trainer-1").ensure();
      const first = await queue.groups.claim("trainer-1", { holder: "node-a" });
      await first.release({ note: 1 });
      if (isHeld) await queue.groups.claim("trainer-1", { holder: "node-b", ttlMs: 60_000 });
      await queue.groups.remove("trainer-1");
      const second = await queue.groups.claim("trainer-1", { holder: "node-b" });
      expect(second.note).toBeUndefined();
      await second.release();
    }
  });

  test("a note that isn't JSON, or is too long, is refused, and the claim stays", async (lab) => {
    const queue = lab.open();
    const claim = await queue.groups.claim("trainer-1", { holder: "node-a", ttlMs: 60_000 });
    await expectCode(() => claim.release({ note: 1n }), "PAYLOAD_NOT_JSON");
    await expectCode(() => claim.release({ note: "x".repeat(70_000) }), "PAYLOAD_TOO_LARGE");
    await expectCode(() => claim.release({ remark: 1 } as object), "INVALID_OPTION");
    expect(await claim.renew()).toBe(true);
  });

  test("the holder of a claim may claim again", async (lab) => {
    const queue = lab.open();
    await queue.groups.claim("trainer-1", { holder: "node-a" });
    expect(await queue.groups.claim("trainer-1", { holder: "node-a" })).toMatchObject({
      holder: "node-a",
    });
  });

  test("a claim that isn't renewed ends", async (lab) => {
    const queue = lab.open();
    const first = await queue.groups.claim("trainer-1", { holder: "node-a", ttlMs: 50 });
    await until("it has ended", async () => {
      const second = queue.groups.claim("trainer-1", { holder: "node-b", ttlMs: 60_000 });
      return second.then(
        () => true,
        () => false,
      );
    });
    expect(await first.renew()).toBe(false);
  });

  test("a claim that is renewed stays", async (lab) => {
    const queue = lab.open();
    const claim = await queue.groups.claim("trainer-1", { holder: "node-a", ttlMs: 1_000 });
    for (let round = 0; round < 3; round += 1) {
      await sleep(400);
      expect(await claim.renew()).toBe(true);
    }
    await expectCode(() => queue.groups.claim("trainer-1", { holder: "node-b" }), "GROUP_CLAIMED");
  });

  test(
    "a claim holds across instances",
    async (lab) => {
      await lab.open().groups.claim("trainer-1", { holder: "node-a", ttlMs: 60_000 });
      const other = lab.open();
      await expectCode(
        () => other.groups.claim("trainer-1", { holder: "node-b" }),
        "GROUP_CLAIMED",
      );
    },
    ["multipleInstances"],
  );

  test(
    "a group that is served doesn't expire",
    async (lab) => {
      const queue = lab.open();
      const group = queue.group("mailer", { expireAfterMs: 1_000, from: "now" });
      await group.ensure();
      for (let round = 0; round < 3; round += 1) {
        await sleep(400);
        await group.receive();
      }
      expect(await group.ensure()).toMatchObject({ created: false });
    },
    ["groupExpiry"],
  );
}
