import { statSync } from "node:fs";
import { expect, test } from "vitest";
import { openQueue, tempPath, until } from "./temp-queue.ts";

const MIB = 2 ** 20;

async function sendMib(queue: ReturnType<typeof openQueue>, mib: number): Promise<void> {
  const event = { type: "A", payload: { text: "x".repeat(10_000) } };
  const sendings = 100 * mib;
  for (let sent = 0; sent < sendings; sent += 2) await queue.sendMany([event, event]);
}

test("what was stored is taken into the database by and by, and the log begins anew", async () => {
  const path = tempPath();
  const queue = openQueue(path, { survives: "process-crash" });
  await sendMib(queue, 40);
  await until(() => statSync(path).size > 16 * MIB);
  expect(statSync(`${path}-wal`).size).toBeLessThan(32 * MIB);
});

test("the log is bounded while another instance keeps reading and writing", async () => {
  const path = tempPath();
  await Promise.all([sendMib(openQueue(path), 30), sendMib(openQueue(path), 30)]);
  expect(statSync(`${path}-wal`).size).toBeLessThan(48 * MIB);
});
