import { expect, test } from "vitest";
import { MIGRATIONS } from "../../src/schema/migrations.ts";
import { becomeLaterVersion, CONTRACTING, EXPANDING, versionOf } from "../next-version.ts";
import { openQueue, tempPath, until } from "../temp-queue.ts";
import { Child } from "./child.ts";

const COUNT = 100;
const LATEST = MIGRATIONS.length;

test("this version and the next one share a file and a group, though the next one expanded it under this one", async () => {
  const path = tempPath();
  const older = new Child("older-member", { path, group: "shared", count: COUNT });
  await older.count("sent", 10);
  expect(versionOf(path)).toBe(LATEST);

  becomeLaterVersion(EXPANDING);
  const queue = openQueue(path);
  const handled: string[] = [];
  queue.consume({ group: "shared" }, ({ id, attempt }) => {
    expect(attempt).toBe(1);
    handled.push(id);
  });
  const sent: string[] = [];
  for (let n = 0; n < COUNT; n += 1) {
    sent.push((await queue.send("TICK", { n }, { key: `key-${n % 5}` })).id);
  }
  expect(versionOf(path)).toBe(LATEST + 1);
  await older.line(({ kind }) => kind === "done");
  await until(async () => (await queue.groups.list())[0]?.pending === 0);
  // Its last lines may come after its last acks.
  const byOther = () => older.lines.filter(({ kind }) => kind === "handled");
  await until(async () => handled.length + byOther().length >= 2 * COUNT);
  const theirs = byOther();
  for (const line of older.lines) if (line.kind === "sent") sent.push(line.id ?? "");

  const all = [...handled, ...theirs.map(({ id }) => id)];
  expect(all).toHaveLength(sent.length);
  expect(new Set(all)).toEqual(new Set(sent));
  expect(handled.length).toBeGreaterThan(0);
  expect(theirs.length).toBeGreaterThan(10);
  expect(theirs.every(({ attempt }) => attempt === 1)).toBe(true);
  expect((await queue.history({ limit: 1_000 })).map(({ position }) => position)).toEqual(
    Array.from({ length: 2 * COUNT }, (_, n) => n + 1),
  );
  expect(await queue.health()).toMatchObject({ ok: true });
  older.stop();
  expect(await older.end()).toBe(0);

  // A rollback: the older version is started anew in the file, alone.
  await queue.close();
  const again = new Child("older-member", { path, group: "shared", count: 5 });
  await again.count("handled", 5);
  expect(await again.line(({ kind }) => kind === "done")).toBeDefined();
  expect(versionOf(path)).toBe(LATEST + 1);
});

test("a process of this version is told when a later one contracts the file under it, and when it is started anew", async () => {
  const path = tempPath();
  const older = new Child("older-member", { path, group: "shared", count: 10_000 });
  await older.count("sent", 10);

  becomeLaterVersion(EXPANDING, CONTRACTING);
  const queue = openQueue(path);
  const { position: first } = await queue.send("AFTER", {});
  const refusal = {
    code: "SCHEMA_TOO_NEW",
    text: expect.stringContaining("Update the package in this process"),
  };
  expect(await older.line(({ kind }) => kind === "failed")).toMatchObject(refusal);
  // Nothing was acknowledged that isn't there, and nothing was written after the file was contracted.
  const sent = older.lines.filter(({ kind }) => kind === "sent").map(({ id }) => id);
  const log = await queue.history({ limit: 10_000 });
  expect(log.filter(({ type }) => type === "TICK").map(({ id }) => id)).toEqual(sent);
  expect(log.at(-1)).toMatchObject({ type: "AFTER", position: first });

  const again = new Child("older-member", { path, group: "shared", count: 1 });
  expect(await again.line(({ kind }) => kind === "failed")).toMatchObject(refusal);
  expect(versionOf(path)).toBe(LATEST + 2);
});
