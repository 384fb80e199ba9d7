import { expect } from "vitest";
import type { EventQueue } from "../../contract/event-queue.ts";
import { PermanentError } from "../../failures/errors.ts";
import type { LeasedEvent } from "../../contract/events.ts";
import {
  numbersOf,
  PLACED,
  receiveOne,
  sendNumbered,
  sleep,
  type TestCase,
} from "../harness/suite.ts";

/** Dead letters that are given back to a group that was moved back, and so has their events again. */
export function redriving(test: TestCase): void {
  const keyed: TestCase = (name, body) => test(name, body, ["perKeyOrder"]);

  test("what a group has again ahead of it is given once, though it is redriven", async (lab) => {
    const queue = lab.open();
    await handleAllBut(queue, [2], 3);
    await queue.groups.seek("mailer", "beginning");
    expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
    expect(await queue.deadLetters.list()).toEqual([]);
    expect((await queue.groups.list())[0]).toMatchObject({ pending: 3 });
    const [one, other] = [queue.group("mailer"), queue.group("mailer")];
    const given = [...(await one.receive()), ...(await other.receive())];
    expect(numbersOf(given)).toEqual([1, 2, 3]);
    for (const event of given) expect(await event.ack()).toBe(true);
    expect(await other.receive({ waitMs: 200 })).toEqual([]);
  });

  test("what a group has leased again isn't given to another member when it is redriven", async (lab) => {
    const queue = lab.open();
    await handleAllBut(queue, [2], 3);
    await queue.groups.seek("mailer", "beginning");
    const [one, other] = [queue.group("mailer"), queue.group("mailer")];
    const leased = await one.receive();
    expect(numbersOf(leased)).toEqual([1, 2, 3]);
    expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
    expect(await other.receive({ waitMs: 200 })).toEqual([]);
    for (const event of leased) expect(await event.ack()).toBe(true);
    expect(await other.receive({ waitMs: 200 })).toEqual([]);
  });

  test("what a group has settled again, while an earlier event is leased, is given anew when it is redriven", async (lab) => {
    const queue = lab.open();
    await handleAllBut(queue, [2], 3);
    await queue.groups.seek("mailer", "beginning");
    const group = queue.group("mailer");
    const [first, second, third] = await group.receive();
    expect(await second?.ack()).toBe(true);
    expect(await third?.ack()).toBe(true);
    expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
    const again = await receiveOne(group);
    expect(again).toMatchObject({ payload: { n: 2 }, attempt: 1, redelivered: true });
    expect(await again.ack()).toBe(true);
    expect(await first?.ack()).toBe(true);
  });

  test("what died again after a group was moved back is given once more when it is redriven", async (lab) => {
    const queue = lab.open();
    await handleAllBut(queue, [2], 2);
    await queue.groups.seek("mailer", "beginning");
    const group = queue.group("mailer");
    const [first, second] = await group.receive();
    await second?.nack({ reason: new PermanentError("again") });
    expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
    const again = await receiveOne(group);
    expect(again).toMatchObject({ payload: { n: 2 }, attempt: 1, redelivered: true });
    expect(await again.ack()).toBe(true);
    expect(await first?.ack()).toBe(true);
    expect(await group.receive({ waitMs: 200 })).toEqual([]);
  });

  keyed(
    "events of a key come in order, each once, after a group was moved back and one of them redriven",
    async (lab) => {
      for (const dead of [1, 2]) {
        const queue = await lab.openAnother();
        await handleAllBut(queue, [dead], 3, "a");
        await queue.groups.seek("mailer", "beginning");
        expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
        const group = queue.group("mailer");
        const given: LeasedEvent[] = [];
        for (let n = 1; n <= 3; n += 1) {
          const event = await receiveOne(group);
          expect(await group.receive()).toEqual([]);
          given.push(event);
          await event.ack();
        }
        expect(numbersOf(given)).toEqual([1, 2, 3]);
        await sleep(200);
        expect(await group.receive({ waitMs: 3_000 })).toEqual([]);
      }
    },
  );
}

/** Sends events 1 to `count`, and has a group handle them all but for those that become dead letters. */
async function handleAllBut(
  queue: EventQueue,
  dead: readonly number[],
  count: number,
  key?: string,
): Promise<void> {
  const group = queue.group("mailer");
  if (key === undefined) await sendNumbered(queue, PLACED, count);
  else for (let n = 1; n <= count; n += 1) await queue.send(PLACED, { n }, { key });
  for (let n = 1; n <= count; n += 1) {
    const event = await receiveOne(group);
    if (dead.includes(n)) await event.nack({ reason: new PermanentError("no") });
    else await event.ack();
  }
}
