import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

let thisMachine: string | undefined;

/**
 * Names what process ids are unique in: this start of this host, and in containers the namespace of ids. Hosts may
 * share a name, so where that can't be known the name is this process's own, and no other is judged by it.
 */
export function machine(): string {
  thisMachine ??= nameOf() ?? randomUUID();
  return thisMachine;
}

/** Only what is certain counts: a process of this machine, seen from here, that is no longer there. */
export function isDead(holder: { readonly machine: string; readonly pid: number }): boolean {
  if (holder.machine !== machine()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}

function nameOf(): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${hostname()} ${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return undefined;
  }
}
