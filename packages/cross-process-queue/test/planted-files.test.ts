import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { openQueue, tempFolder, tempPath } from "./temp-queue.ts";

const SECRET = "root=only\n";
const isRoot = process.geteuid?.() === 0;

/** A file that nobody wants written. */
function victim(): string {
  const path = join(tempFolder(), "secret.conf");
  writeFileSync(path, SECRET, { mode: 0o600 });
  return path;
}

describe.skipIf(process.platform === "win32")("files that somebody else has put there", () => {
  test.each([
    ["a symbolic link", symlinkSync],
    ["a second name", linkSync],
  ])("what %s in place of the doorbell leads to isn't written", async (_, plant) => {
    const path = tempPath();
    const target = victim();
    plant(target, `${path}.bell`);
    const queue = openQueue(path);
    await queue.send("A", {});
    await queue.stream({ from: "beginning" }).next();
    const { ok, problems } = await queue.health();
    await queue.close();
    expect(readFileSync(target, "utf8")).toBe(SECRET);
    expect(ok).toBe(true);
    expect(problems).toMatchObject([{ code: "FILES_EXPOSED", subject: `${path}.bell` }]);
  });

  test("events reach other instances also without a doorbell", async () => {
    const path = tempPath();
    symlinkSync(victim(), `${path}.bell`);
    const stream = openQueue(path).stream({ from: "now" });
    const next = stream.next();
    await openQueue(path).send("A", {});
    expect((await next).value).toMatchObject({ type: "A" });
  });

  test("a dangling link in place of the doorbell makes nothing", async () => {
    const path = tempPath();
    const elsewhere = tempFolder();
    symlinkSync(join(elsewhere, "made"), `${path}.bell`);
    await openQueue(path).send("A", {});
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  test.each(["", "-wal", "-shm"])(
    "a link in place of the database is refused and makes nothing: events.db%s",
    async (end) => {
      const path = tempPath();
      const elsewhere = tempFolder();
      symlinkSync(join(elsewhere, "made.db"), `${path}${end}`);
      await expect(openQueue(path).send("A", {})).rejects.toMatchObject({
        code: "CANNOT_OPEN",
        message: expect.stringContaining(`${basename(path)}${end}" is a symbolic link`),
      });
      expect(readdirSync(elsewhere)).toEqual([]);
    },
  );

  test.runIf(isRoot)(
    "another user's file in a folder that everybody may write is refused",
    async () => {
      const path = tempPath();
      chmodSync(join(path, ".."), 0o777);
      writeFileSync(path, "");
      chownSync(path, 65_534, 65_534);
      await expect(openQueue(path).send("A", {})).rejects.toMatchObject({
        code: "CANNOT_OPEN",
        message: expect.stringContaining("belongs to another user (65534)"),
      });
    },
  );

  test.runIf(isRoot)("another user's doorbell in such a folder isn't written", async () => {
    const path = tempPath();
    chmodSync(join(path, ".."), 0o777);
    writeFileSync(`${path}.bell`, "theirs");
    chownSync(`${path}.bell`, 65_534, 65_534);
    await openQueue(path).send("A", {});
    expect(readFileSync(`${path}.bell`, "utf8")).toBe("theirs");
  });

  test("health names the folder and the files that others may write", async () => {
    const folder = join(tempFolder(), "open");
    mkdirSync(folder);
    chmodSync(folder, 0o777);
    const path = join(folder, "events.db");
    writeFileSync(path, "");
    chmodSync(path, 0o666);
    const queue = openQueue(path);
    await queue.send("A", {});
    const { ok, problems } = await queue.health();
    expect(ok).toBe(true);
    expect(problems).toMatchObject([{ code: "FILES_EXPOSED", severity: "warning" }]);
    for (const file of [folder, path, `${path}-wal`]) {
      expect(problems[0]?.message).toContain(`"${file}"`);
    }
  });

  test("health says nothing of a queue that made its own folder", async () => {
    const path = join(tempFolder(), "own", "events.db");
    const queue = openQueue(path);
    await queue.send("A", {});
    expect((await queue.health()).problems).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
