import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openQueue, tempFolder, tempPath } from "../temp-queue.ts";
import { CrossProcessEventQueue } from "../../src/index.ts";
import { Child } from "./child.ts";

/** Nobody: a user that owns nothing here. Tests may run as the superuser, whom no permission stops. */
const uid = 65_534;

async function storedReadOnly(): Promise<string> {
  const path = tempPath();
  const queue = new CrossProcessEventQueue(path);
  await queue.send("BEFORE", {});
  await queue.send("BEFORE", {});
  await queue.close();
  chmodSync(dirname(path), 0o777);
  chmodSync(path, 0o444);
  return path;
}

test("sending to a file that can't be written rejects with QUEUE_READ_ONLY", async () => {
  const child = new Child("unprivileged", { path: await storedReadOnly(), uid, action: "send" });
  const { code, text } = await child.line(({ kind }) => kind === "failed");
  expect(code).toBe("QUEUE_READ_ONLY");
  expect(text).toContain("write permission");
});

test.each(["history", "stats"])("a file that can't be written can be read (%s)", async (action) => {
  const child = new Child("unprivileged", { path: await storedReadOnly(), uid, action });
  expect((await child.line(({ kind }) => kind === "read")).text).toBe("2");
});

test("health of a file that can't be written says so", async () => {
  const child = new Child("unprivileged", { path: await storedReadOnly(), uid, action: "health" });
  const { text } = await child.line(({ kind }) => kind === "health");
  expect(JSON.parse(text ?? "")).toMatchObject({ ok: false });
});

test("a folder that can't be written gives CANNOT_OPEN", async () => {
  const folder = join(tempFolder(), "closed");
  mkdirSync(folder);
  chmodSync(dirname(folder), 0o755);
  chmodSync(folder, 0o555);
  const child = new Child("unprivileged", { path: join(folder, "events.db"), uid, action: "send" });
  expect((await child.line(({ kind }) => kind === "failed")).code).toBe("CANNOT_OPEN");
});

test("an existing file in a folder that can't be written gives a code, not silence", async () => {
  const path = tempPath();
  await openQueue(path).close();
  const queue = new CrossProcessEventQueue(path);
  await queue.send("BEFORE", {});
  await queue.close();
  if (process.getuid?.() === 0) chownSync(path, uid, uid);
  chmodSync(dirname(path), 0o555);
  onTestFinished(() => chmodSync(dirname(path), 0o755));
  const child = new Child("unprivileged", { path, uid, action: "send" });
  expect((await child.line(({ kind }) => kind === "failed")).code).toMatch(
    /^(?:CANNOT_OPEN|QUEUE_READ_ONLY)$/,
  );
});
