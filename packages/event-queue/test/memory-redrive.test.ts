import { expect, test } from "vitest";
import { MemoryEventQueue, PermanentError } from "../src/index.ts";

/** A group that gave up on the nth of some events, settled the others, and was moved back to the beginning. */
async function movedBack(
  count: number,
  dead: number,
): Promise<{ queue: MemoryEventQueue; group: ReturnType<MemoryEventQueue["group"]> }> {
  const queue = new MemoryEventQueue();
  queue.deadLetters.onLetter(() => {});
  const group = queue.group("g");
  await queue.sendMany(Array.from({ length: count }, () => ({ type: "A", payload: {} })));
  for (const event of await group.receive()) {
    if (event.position === dead) await event.nack({ reason: new PermanentError("no") });
    else await event.ack();
  }
  await queue.groups.seek("g", "beginning");
  return { queue, group };
}

test("a redrive leaves the lease to whoever has the event again", async () => {
  const { queue, group } = await movedBack(1, 1);
  const [again] = await group.receive();
  expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
  expect(await queue.deadLetters.list()).toEqual([]);
  expect(await group.receive()).toEqual([]);
  expect(await again?.ack()).toBe(true);
  expect(await queue.groups.list()).toMatchObject([{ pending: 0 }]);
});

test("a redriven event that lies ahead of its group comes in its place, as what is new does", async () => {
  const { queue, group } = await movedBack(3, 2);
  expect(await queue.deadLetters.redrive({})).toEqual({ count: 1 });
  const events = await group.receive();
  expect(events.map(({ position, redelivered }) => [position, redelivered])).toEqual([
    [1, false],
    [2, false],
    [3, false],
  ]);
});
