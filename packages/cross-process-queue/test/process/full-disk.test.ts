import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { RESERVE_BYTES } from "../../src/commit/reserve.ts";
import type { CrossProcessEventQueue } from "../../src/index.ts";
import { openQueue, tempFolder, until } from "../temp-queue.ts";

const MIB = 1024 * 1024;
const canMount = process.platform === "linux" && process.getuid?.() === 0;

/** A small disk of this test's own. */
function smallDisk(mib: number): string {
  const folder = tempFolder();
  command("mount", ["-t", "tmpfs", "-o", `size=${mib}m`, "tmpfs", folder]);
  onTestFinished(() => command("umount", [folder]));
  return folder;
}

function command(name: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
}

const TICKS = Array.from({ length: 100 }, (_, n) => ({
  type: "TICK",
  payload: { n, padding: "x".repeat(1_000) },
}));

async function fill(queue: CrossProcessEventQueue): Promise<number> {
  let stored = 0;
  for (;;) {
    try {
      stored += (await queue.sendMany(TICKS)).length;
    } catch (error) {
      expect(error).toMatchObject({ code: "QUEUE_FULL" });
      return stored;
    }
  }
}

test.skipIf(!canMount)(
  "on a full disk acks and retention go on with what was put aside, sends are refused, and all goes on when there is room",
  { timeout: 60_000 },
  async () => {
    const folder = smallDisk(80);
    const path = join(folder, "events.db");
    const queue = openQueue(path, { retentionEvents: 1_000 });
    const group = queue.group("g");
    await group.ensure();
    for (let round = 0; round < 40; round += 1) await queue.sendMany(TICKS);
    await until(() => existsSync(`${path}.reserve`));
    expect(statSync(`${path}.reserve`).size).toBe(RESERVE_BYTES);

    // Somebody else's, who makes room at the end, and takes whatever is left until then.
    const others = join(folder, "others");
    writeFileSync(others, Buffer.alloc(16 * MIB));
    const stored = 4_000 + (await fill(queue));
    try {
      // What fits is written before it fails.
      appendFileSync(others, Buffer.alloc(64 * MIB));
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
    }
    await expect(queue.send("TICK", {})).rejects.toMatchObject({ code: "QUEUE_FULL" });

    let settled = 0;
    while (settled < stored) {
      const events = await group.receive({ limit: 500 });
      const acks = await Promise.all(events.map((event) => event.ack()));
      expect(acks).not.toContain(false);
      settled += events.length;
    }
    expect(existsSync(`${path}.reserve`)).toBe(false);
    await until(async () => (await queue.stats()).events === 1_000);
    // What was deleted has left room in the file, though the disk is as full as before.
    await until(async () => (await queue.send("TICK", {}).catch(() => undefined)) !== undefined);
    const more = await fill(queue);
    expect(more).toBeGreaterThan(1_000);
    expect(await queue.health()).toMatchObject({
      ok: false,
      problems: expect.arrayContaining([expect.objectContaining({ code: "DISK_NEARLY_FULL" })]),
    });
    for (let left = more; left > 0;) {
      const events = await group.receive({ limit: 500 });
      for (const held of await Promise.all(events.map((event) => event.ack())))
        expect(held).toBe(true);
      left -= events.length;
    }

    rmSync(others);
    await until(async () => (await queue.health()).ok);
    expect((await queue.send("TICK", {})).position).toBeGreaterThan(stored + more);
  },
);
