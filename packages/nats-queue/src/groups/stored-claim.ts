import { randomUUID } from "node:crypto";
import { isProcessGone, machineName } from "@ringrift/event-queue/backend";
import type { Names } from "../server/names.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { StateStore } from "../messages/state-store.ts";

/** Hosts may share a name: where more isn't known this process is a machine of its own, and nobody is judged by it. */
export const MACHINE: string = machineName() ?? randomUUID();

/** One claim of a group's name: who has it, and until when by the server's clock. */
export interface StoredClaim {
  readonly holder: string;
  readonly until: number;
  readonly machine: string;
  readonly pid: number;
  /** What was left with a release, as JSON. */
  readonly note?: string | undefined;
  readonly revision: number;
}

/** The parts of an engine that reading a claim needs. */
export interface ClaimParts {
  readonly state: StateStore;
  readonly names: Names;
  readonly clock: ServerClock;
}

/** Who holds the name now, if anybody. */
export async function holderOf(parts: ClaimParts, group: string): Promise<string | undefined> {
  const claim = await readClaim(parts, group);
  return claim !== undefined && isHeld(parts, claim) ? claim.holder : undefined;
}

/** Whether the claim has neither ended nor lost its process. */
export function isHeld({ clock }: Pick<ClaimParts, "clock">, claim: StoredClaim): boolean {
  return claim.until > clock.now() && !isDead(claim);
}

/** Only what is certain counts: a process of this machine, seen from here, that is no longer there. */
function isDead(claim: StoredClaim): boolean {
  return claim.machine === MACHINE && isProcessGone(claim.pid);
}

/** The claim as stored, whether or not it has ended. */
export async function readClaim(
  { state, names }: Pick<ClaimParts, "state" | "names">,
  group: string,
): Promise<StoredClaim | undefined> {
  const entry = await state.get(names.claim(group));
  if (entry === undefined) return undefined;
  // The cast is safe: written by whoever took the name.
  const stored = JSON.parse(entry.text) as Omit<StoredClaim, "revision">;
  return { ...stored, revision: entry.revision };
}

/** Forgets the note of a group that goes. */
export async function forgetNote(
  parts: Pick<ClaimParts, "state" | "names">,
  group: string,
): Promise<void> {
  const { state, names } = parts;
  for (;;) {
    const claim = await readClaim(parts, group);
    if (claim?.note === undefined) return;
    if (claim.holder === "") {
      await state.remove(claim.revision);
      return;
    }
    const text = JSON.stringify({ ...claim, note: undefined, revision: undefined });
    if ((await state.swap(names.claim(group), text, claim.revision)) !== undefined) return;
  }
}
