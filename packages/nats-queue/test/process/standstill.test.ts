import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LeasedEvent } from "@ringrift/event-queue";
import { expect, it } from "vitest";
import { until } from "../faults.ts";
import { withServer } from "../with-server.ts";

const servers = withServer();
const LEASE_MS = 400;
/** Longer than another process takes to send an event. */
const LONG_LEASE_MS = 1_500;

/** Keeps this process from doing anything, past the end of its leases, while another one takes an event. */
function standStill(stream: string, does: "send" | "hold" | "settle" | "leave"): void {
  const file = fileURLToPath(new URL("fixtures/taker.ts", import.meta.url));
  const options = { servers: servers.server.url, stream, leaseMs: LEASE_MS, does };
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--conditions=@ringrift/source", file, JSON.stringify(options)],
    { encoding: "utf8" },
  );
  expect({ status, stderr }).toMatchObject({ status: 0 });
}

function blockUntil(time: number): void {
  const ms = time - performance.now();
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it("a member that stood still while it waited for an event doesn't hand over what others have settled", async () => {
  const queue = await servers.open({ stream: "waiting" });
  const member = queue.group("mailer", { leaseMs: LEASE_MS });
  await queue.send("ORDER_PLACED", { n: 0 }, { key: "order-0" });
  const [before] = await member.receive({ waitMs: 5_000 });
  await before?.ack();
  const waiting = member.receive({ limit: 1, waitMs: 10_000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  // As after SIGSTOP: timers run before anything is read that came meanwhile.
  await new Promise((resolve) => setImmediate(resolve));
  standStill("waiting", "send");
  const late = queue.send("ORDER_PLACED", { n: 2 }, { key: "order-1" });
  expect((await waiting).map(({ payload }) => payload)).toEqual([{ n: 2 }]);
  await late;
});

it("an event of a key that came while its member stood still is handled before the next one of the key", async () => {
  const queue = await servers.open({ stream: "lapsed" });
  const member = queue.group("mailer", { leaseMs: LONG_LEASE_MS });
  // For so long after it has connected it trusts nothing that it knows.
  await new Promise((resolve) => setTimeout(resolve, LONG_LEASE_MS));
  await queue.send("ORDER_PLACED", { n: 0 }, { key: "order-1" });
  const [before] = await member.receive({ waitMs: 5_000 });
  await before?.ack();
  const waiting = member.receive({ limit: 1, waitMs: 10_000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const begun = performance.now();
  standStill("lapsed", "leave");
  // It was given when it was sent; this process believes that it may have been given when it stopped.
  blockUntil(begun + LONG_LEASE_MS);
  const next = queue.send("ORDER_PLACED", { n: 2 }, { key: "order-1" });
  const seen = [];
  for (let event = (await waiting)[0]; seen.length < 2;) {
    if (event !== undefined) {
      seen.push(event.payload);
      await event.ack();
    }
    [event] = await member.receive({ limit: 1, waitMs: 3_000 });
  }
  await next;
  expect(seen).toEqual([{ n: 1 }, { n: 2 }]);
});

it("a member that stood still while it looked for the next event of a key doesn't begin what another one has", async () => {
  const queue = await servers.open({ stream: "looking" });
  const behind = await servers.open({ stream: "looking" });
  for (let n = 1; n <= 2; n += 1) await queue.send("ORDER_PLACED", { n }, { key: "order-1" });
  const policy = { leaseMs: LEASE_MS };
  const member = queue.group("mailer", policy);
  const [first] = await member.receive({ limit: 1 });
  const renewing = setInterval(() => void first?.extend(LEASE_MS), LEASE_MS / 4);
  await until("the other one waits in the log", async () => {
    await behind.group("mailer", policy).receive({ limit: 10, waitMs: 50 });
    const [{ cursor } = { cursor: 0 }] = await queue.groups.list();
    return cursor === 2;
  });
  const next = member.receive({ limit: 1, waitMs: 10_000 });
  await new Promise((resolve) => setTimeout(resolve, 300));
  clearInterval(renewing);
  expect(await first?.ack()).toBe(true);
  standStill("looking", "hold");
  // Whoever settled the first one may have begun this one, as far as anybody knows, and the other process has.
  expect(await next).toMatchObject([{ payload: { n: 2 }, attempt: 3 }]);
});

for (const { call, does } of [
  { call: "ack", does: (event: LeasedEvent) => event.ack() },
  { call: "nack", does: (event: LeasedEvent) => event.nack() },
  { call: "extend", does: (event: LeasedEvent) => event.extend(LEASE_MS) },
]) {
  for (const key of [undefined, "order-1"]) {
    const what = key === undefined ? "no key" : "a key";
    it(`a member that stood still while another one did its event of ${what} has lost it for ${call}()`, async () => {
      const stream = `outlived-${call}-${key}`;
      const queue = await servers.open({ stream });
      await queue.send("ORDER_PLACED", {}, key === undefined ? {} : { key });
      const member = queue.group("mailer", { leaseMs: LEASE_MS });
      const [event] = await member.receive({ limit: 1, waitMs: 5_000 });
      if (event === undefined) throw new Error("Nothing came.");
      standStill(stream, "settle");
      expect(await does(event)).toBe(false);
      expect(await queue.groups.list()).toMatchObject([{ pending: 0 }]);
      expect(await member.receive({ waitMs: 0 })).toEqual([]);
    });
  }
}
