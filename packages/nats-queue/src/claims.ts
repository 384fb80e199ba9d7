import { randomUUID } from "node:crypto";
import { type ClaimOptions, type GroupClaim, QueueError } from "@ringrift/event-queue";
import {
  checkClaim,
  checkGroupName,
  isProcessGone,
  machineName,
} from "@ringrift/event-queue/backend";
import type { Engine } from "./engine.ts";
import type { QueueInstance } from "./instance.ts";

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
  // The cast is safe: written by take.
  const stored = JSON.parse(entry.text) as Omit<StoredClaim, "revision">;
  return { ...stored, revision: entry.revision };
}

/**
 * Claims a group's name for one holder.
 *
 * @throws QueueError (rejects) `GROUP_CLAIMED`, `INVALID_OPTION`
 */
export async function claimGroup(
  instance: QueueInstance,
  name: string,
  options: ClaimOptions,
): Promise<GroupClaim> {
  const { holder, ttlMs } = checkClaim(options);
  const group = checkGroupName(name);
  const mine = (): Promise<string> => instance.use((engine) => take(engine, group, holder, ttlMs));
  const heldBy = await mine();
  if (heldBy !== holder) {
    throw new QueueError(
      "GROUP_CLAIMED",
      `Group "${group}" is claimed by "${heldBy}". Stop that one first, or use another name; the claim ends by itself when its holder stops renewing it.`,
    );
  }
  return {
    group,
    holder,
    renew: async () => (await mine()) === holder,
    release: () =>
      instance.use(async (engine) => {
        const claim = await readClaim(engine, group);
        if (claim?.holder === holder) await engine.state.remove(claim.revision);
      }),
  };
}

/** Takes or renews the claim, unless somebody else has it; resolves to who has it now. */
async function take(engine: Engine, group: string, holder: string, ttlMs: number): Promise<string> {
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
