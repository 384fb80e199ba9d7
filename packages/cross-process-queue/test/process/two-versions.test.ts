import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { MIGRATIONS } from "../../src/migrations.ts";
import { openQueue, tempPath, until } from "../temp-queue.ts";
import { Child } from "./child.ts";

/**
 * The version before this one is the package as it was, in one file. To be made once for each schema version, in a
 * checkout of the commit before the next one is begun: pnpm -C test exec esbuild --bundle --minify --format=esm
 * --platform=node --external:better-sqlite3 --conditions=@ringrift/source
 * ../packages/cross-process-queue/src/index.ts --outfile=version-of-schema-N.mjs
 */
const COUNT = 100;

function schemaOf(path: string): unknown {
  const database = new Database(path, { readonly: true });
  const version = database.pragma("user_version", { simple: true });
  database.close();
  return version;
}

test("this version and the one before it share a file and a group, though one migrated it under the other", async () => {
  const path = tempPath();
  const before = new Child("version-before", { path, group: "shared", count: COUNT });
  await before.count("sent", 10);
  expect(schemaOf(path)).toBe(MIGRATIONS.length - 1);

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
  expect(schemaOf(path)).toBe(MIGRATIONS.length);
  await before.line(({ kind }) => kind === "done");
  await until(async () => (await queue.groups.list())[0]?.pending === 0);
  // Its last lines may come after its last acks.
  const byOther = () => before.lines.filter(({ kind }) => kind === "handled");
  await until(async () => handled.length + byOther().length >= 2 * COUNT);
  const theirs = byOther();
  for (const line of before.lines) if (line.kind === "sent") sent.push(line.id ?? "");

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

  before.stop();
  expect(await before.end()).toBe(0);
  // Who is started anew is told that it is too old.
  const again = new Child("version-before", { path, group: "shared", count: 1 });
  expect(await again.line(({ kind }) => kind === "failed")).toMatchObject({
    code: "SCHEMA_TOO_NEW",
  });
});
