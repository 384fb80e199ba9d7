import type { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { expect, test } from "vitest";
import { openQueue, tempPath } from "./temp-queue.ts";

/** More than a member reads at once. */
const EVENTS = 100;

async function filled(path: string): Promise<CrossProcessEventQueue> {
  const queue = openQueue(path);
  await queue.sendMany(
    Array.from({ length: EVENTS }, (_, n) => ({ type: n % 2 === 0 ? "EVEN" : "ODD", payload: n })),
  );
  return queue;
}

test("members that take one event after the other, in turn, have each event once, and in order", async () => {
  const path = tempPath();
  const queue = await filled(path);
  const members = [queue.group("g"), openQueue(path).group("g"), queue.group("g")];
  const taken: unknown[] = [];
  while (taken.length < EVENTS) {
    for (const member of members) {
      const [event] = await member.receive({ limit: 1 });
      if (event === undefined) continue;
      taken.push(event.payload);
      expect(await event.ack()).toBe(true);
    }
  }
  expect(taken).toEqual(Array.from({ length: EVENTS }, (_, n) => n));
});

test("a member that has read ahead goes where its group is moved, forwards and back", async () => {
  const queue = await filled(tempPath());
  const member = queue.group("g");
  const next = async (): Promise<number | undefined> => {
    const [event] = await member.receive({ limit: 1 });
    await event?.ack();
    return event?.position;
  };
  expect(await next()).toBe(1);
  await queue.groups.seek("g", { position: 20 });
  expect(await next()).toBe(20);
  await queue.groups.seek("g", { position: 90 });
  expect(await next()).toBe(90);
  await queue.groups.seek("g", "beginning");
  expect([await next(), await next()]).toEqual([1, 2]);
});

test("a member that has read ahead is told that its group was made anew, and obeys the types of that", async () => {
  const queue = await filled(tempPath());
  const member = queue.group("g");
  const [first] = await member.receive({ limit: 1 });
  expect(first?.type).toBe("EVEN");
  await queue.groups.remove("g");
  await queue.group("g", { eventTypes: ["ODD"] }).ensure();
  await expect(member.receive()).rejects.toMatchObject({ code: "GROUP_REMOVED" });
  expect(await member.ensure()).toMatchObject({ created: false, eventTypes: ["ODD"] });
  const events = await member.receive({ limit: EVENTS });
  expect(events.map(({ payload }) => payload)).toEqual(
    Array.from({ length: EVENTS / 2 }, (_, n) => 2 * n + 1),
  );
});

test("as many as are asked for come, however many were read ahead", async () => {
  const queue = await filled(tempPath());
  const member = queue.group("g");
  const sizes: number[] = [];
  for (const limit of [1, 40, 5, 60]) {
    sizes.push((await member.receive({ limit })).length);
  }
  expect(sizes).toEqual([1, 40, 5, 54]);
});
