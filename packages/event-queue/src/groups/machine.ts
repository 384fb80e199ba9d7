import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

let thisMachine: string | undefined;

/**
 * For backends: names what process ids are unique in: this start of this host and, in containers, the namespace of
 * ids. `undefined` where that can't be known.
 */
export function machineName(): string | undefined {
  if (thisMachine !== undefined) return thisMachine;
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    thisMachine = `${hostname()} ${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    // Not Linux.
  }
  return thisMachine;
}

/** For backends: whether there is certainly no such process on this machine any more. */
export function isProcessGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}
