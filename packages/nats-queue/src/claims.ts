import { randomUUID } from "node:crypto";
import { isProcessGone, machineName } from "@ringrift/event-queue/backend";
import type { Engine } from "./engine.ts";

/** Hosts may share a name: where more isn't known this process is a machine of its own, and nobody is judged by it. */
const MACHINE = machineName() ?? randomUUID();

/** Who has a group's name, and until when by the server's clock. */
interface StoredClaim {
  readonly holder: string;
  readonly until: number;
  readonly machine: string;
  readonly pid: number;
  readonly revision: number;
}

/** Who holds the name now, if anybody. */
export async function holderOf(engine: Engine, group: string): Promise<string | undefined> {
  const claim = await readClaim(engine, group);
  return claim !== undefined && isHeld(engine, claim) ? claim.holder : undefined;
}

function isHeld({ clock }: Engine, claim: StoredClaim): boolean {
  return claim.until > clock.now() && !isDead(claim);
}

/** Only what is certain counts: a process of this machine, seen from here, that is no longer there. */
function isDead(claim: StoredClaim): boolean {
  return claim.machine === MACHINE && isProcessGone(claim.pid);
}

/** The claim as stored, whether or not it has ended. */
async function readClaim(
  { state, names }: Engine,
  group: string,
): Promise<StoredClaim | undefined> {
  const entry = await state.get(names.claim(group));
  if (entry === undefined) return undefined;
  // The cast is safe: written by takeClaim.
  const stored = JSON.parse(entry.text) as Omit<StoredClaim, "revision">;
  return { ...stored, revision: entry.revision };
}

/** Takes or renews the claim, unless somebody else has it; resolves to whoever has it now. */
export async function takeClaim(
  engine: Engine,
  group: string,
  { holder, ttlMs }: { readonly holder: string; readonly ttlMs: number },
): Promise<string> {
  const { state, names, clock } = engine;
  for (;;) {
    const current = await readClaim(engine, group);
    if (current !== undefined && current.holder !== holder && isHeld(engine, current)) {
      return current.holder;
    }
    const text = JSON.stringify({
      holder,
      until: clock.now() + ttlMs,
      machine: MACHINE,
      pid: process.pid,
    });
    const written = await state.swap(names.claim(group), text, current?.revision ?? 0);
    if (written !== undefined) return holder;
  }
}

/** Gives a claim up, if this holder has it. */
export async function releaseClaim(engine: Engine, group: string, holder: string): Promise<void> {
  const claim = await readClaim(engine, group);
  if (claim?.holder === holder) await engine.state.remove(claim.revision);
}
