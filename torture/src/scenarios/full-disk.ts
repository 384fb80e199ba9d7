import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
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
    return mayMount() ? undefined : "Only root can mount a small tmpfs.";
  },
  async run(ms): Promise<Outcome> {
    const disk = mkdtempSync(join(tmpdir(), "ringrift-disk-"));
    const { uid, gid } = userInfo();
    const how = `size=${DISK_MIB}m,uid=${uid},gid=${gid}`;
    command("mount", ["-t", "tmpfs", "-o", how, "tmpfs", disk]);
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
  const filler = join(disk, "filler");
  const end = performance.now() + ms;
  let faults = 0;
  while (performance.now() < end) {
    await sleep(ms / 6);
    try {
      // Whatever fits is written before it fails.
      writeFileSync(filler, Buffer.alloc(DISK_MIB * 2 ** 20));
    } catch {
      faults += 1;
    }
    await sleep(ms / 6);
    rmSync(filler, { force: true });
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

const isRoot = process.getuid?.() === 0;

/** Machines that run tests for a living let them ask for more; others are not asked. */
function mayMount(): boolean {
  return (
    isRoot || (process.env["CI"] !== undefined && spawnSync("sudo", ["-n", "true"]).status === 0)
  );
}

function command(name: string, args: readonly string[]): void {
  const { status, stderr } = isRoot
    ? spawnSync(name, args, { encoding: "utf8" })
    : spawnSync("sudo", ["-n", name, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} failed: ${stderr}`);
}
