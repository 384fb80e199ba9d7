import { copyFileSync, renameSync, rmSync, truncateSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openQueue, tempPath } from "../temp-queue.ts";
import { Child } from "./child.ts";

type Deed = (index: string) => void;

const DEEDS: [string, Deed][] = [
  ["deleted", (index) => rmSync(index)],
  ["moved", (index) => renameSync(index, `${index}.old`)],
  [
    "replaced",
    (index) => {
      copyFileSync(index, `${index}.copy`);
      renameSync(`${index}.copy`, index);
    },
  ],
];

/** What was acknowledged to a process that had the file open, and to one that opened it afterwards; and what is there. */
async function play(
  deed: Deed,
  ends: "close" | "exit" | "return",
): Promise<{ told: string[]; there: string[] }> {
  const path = tempPath();
  const before = new Child("two-phases", { path, ends });
  await before.count("stored", 20);
  deed(`${path}-shm`);
  const after = new Child("publisher", { path, count: 20 });
  await after.line(({ kind }) => kind === "done");
  before.stop();
  await before.line(({ kind, code }) => kind === "refused" && code === "WAL_UNLINKED");
  expect(await before.end()).toBe(0);
  const there = (await openQueue(path).history({ limit: 1_000 })).map(({ id }) => id);
  const told = [...before.lines, ...after.lines].flatMap(({ id }) => id ?? []);
  return { told: told.toSorted(), there: there.toSorted() };
}

describe.skipIf(process.platform === "win32").each(DEEDS)("with the index %s", (_, deed) => {
  test.each(["close", "exit", "return"] as const)(
    "nothing that anybody was told is stored is lost, also after the %s of the one before",
    async (ends) => {
      const { told, there } = await play(deed, ends);
      expect(told).toHaveLength(40);
      expect(there).toEqual(told);
    },
  );
});

// Elsewhere nothing tells how long the log has to be.
test.skipIf(process.platform !== "linux")(
  "nothing is acknowledged any more once the log was cut short",
  async () => {
    const path = tempPath();
    const before = new Child("two-phases", { path, ends: "close" });
    await before.count("stored", 20);
    truncateSync(`${path}-wal`, 4096);
    before.stop();
    await before.line(({ kind, code }) => kind === "refused" && code === "WAL_UNLINKED");
    expect(before.lines.filter(({ kind }) => kind === "stored")).toHaveLength(20);
  },
);
