import { type ClaimOptions, type GroupClaim, QueueError } from "@ringrift/event-queue";
import { checkClaim, checkGroupName } from "@ringrift/event-queue/backend";
import type { Engine } from "./engine.ts";
import type { QueueInstance } from "./instance.ts";
import { isHeld, MACHINE, readClaim } from "./stored-claim.ts";

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
