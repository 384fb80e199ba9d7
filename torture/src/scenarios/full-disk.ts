import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Crew } from "../crew.ts";
import type { Outcome, Scenario } from "../scenario.ts";

const DISK_MIB = 32;

/** The disk fills up under the publishers, and space returns. */
export const fullDisk: Scenario = {
  name: "full-disk",
  title: "a full disk, then space again",
  hindrance(): string | undefined {
    if (process.platform !== "linux") return "It needs Linux's tmpfs.";
    return process.getuid?.() === 0 ? undefined : "Only root can mount a small tmpfs.";
  },
  async run(ms): Promise<Outcome> {
    const disk = mkdtempSync(join(tmpdir(), "ringrift-disk-"));
    command("mount", ["-t", "tmpfs", "-o", `size=${DISK_MIB}m`, "tmpfs", disk]);
    try {
      return await fill(disk, ms);
    } finally {
      command("umount", [disk]);
      rmdirSync(disk);
    }
  },
};

async function fill(disk: string, ms: number): Promise<Outcome> {
  await using crew = new Crew({ padding: 1000, pauseMs: 2 }, disk);
  for (const role of ["publisher", "publisher", "consumer"] as const) crew.start(role);
  const ballast = join(disk, "ballast");
  const end = performance.now() + ms;
  let faults = 0;
  while (performance.now() < end) {
    await sleep(ms / 6);
    try {
      // Whatever fits is written before it fails.
      writeFileSync(ballast, Buffer.alloc(DISK_MIB * 2 ** 20));
    } catch {
      faults += 1;
    }
    await sleep(ms / 6);
    rmSync(ballast, { force: true });
  }
  await sleep(300);
  const verdict = await crew.finish();
  const codes = Object.keys(verdict.refused);
  const problems: string[] = [];
  if (faults === 0) problems.push("The disk was never full.");
  if (codes.length === 0) problems.push("Nothing was refused, though the disk was full.");
  if (codes.includes("NO_CODE")) problems.push("A refusal had no code.");
  return { faults, verdict, problems };
}

function command(name: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
}
