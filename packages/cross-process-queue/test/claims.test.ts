import { expect, test } from "vitest";
import { Child } from "./process/child.ts";
import { openQueue, tempPath } from "./temp-queue.ts";

test("a name that a live process holds is refused to others", async () => {
  const path = tempPath();
  const claimer = new Child("claimer", { path, group: "trainer", holder: "first" });
  await claimer.line(({ kind }) => kind === "claimed");
  await expect(openQueue(path).groups.claim("trainer", { holder: "second" })).rejects.toMatchObject(
    {
      code: "GROUP_CLAIMED",
      message: expect.stringContaining('"first"'),
    },
  );
});

test("a name whose holder was killed is taken over at once", async () => {
  const path = tempPath();
  const claimer = new Child("claimer", { path, group: "trainer", holder: "first", ttlMs: 600_000 });
  await claimer.line(({ kind }) => kind === "claimed");
  await claimer.kill();
  const claim = await openQueue(path).groups.claim("trainer", { holder: "second" });
  expect(claim).toMatchObject({ group: "trainer", holder: "second" });
});

test("a claim that isn't renewed runs out, and its renewal then says so", async () => {
  const path = tempPath();
  const queue = openQueue(path);
  const first = await queue.groups.claim("g", { holder: "first", ttlMs: 50 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const second = await queue.groups.claim("g", { holder: "second" });
  expect(await first.renew()).toBe(false);
  expect(await second.renew()).toBe(true);
});

test("a released name is free, and releasing what others hold changes nothing", async () => {
  const queue = openQueue(tempPath());
  const first = await queue.groups.claim("g", { holder: "first" });
  await first.release();
  await queue.groups.claim("g", { holder: "second" });
  await first.release();
  await queue.group("g").ensure();
  expect(await queue.groups.list()).toMatchObject([{ name: "g", claimedBy: "second" }]);
});

test("of many who claim a name at the same time one gets it", async () => {
  const path = tempPath();
  const claims = await Promise.allSettled(
    Array.from({ length: 5 }, (_, n) =>
      openQueue(path).groups.claim("g", { holder: `holder-${n}` }),
    ),
  );
  expect(claims.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});
