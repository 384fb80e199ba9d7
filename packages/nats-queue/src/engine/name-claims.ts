import type { NameHolder } from "@ringrift/event-queue/backend";
import type { Engine } from "./engine.ts";
import { isHeld, MACHINE, readClaim } from "../groups/stored-claim.ts";

/** Takes or renews the claim, unless somebody else has it; resolves to whoever has it now. */
export async function takeClaim(
  engine: Engine,
  group: string,
  { holder, ttlMs }: { readonly holder: string; readonly ttlMs: number },
): Promise<NameHolder> {
  const { state, names, clock } = engine;
  for (;;) {
    const current = await readClaim(engine, group);
    const note = current?.note;
    if (current !== undefined && current.holder !== holder && isHeld(engine, current)) {
      return { holder: current.holder, note };
    }
    const until = clock.now() + ttlMs;
    const text = JSON.stringify({ holder, until, machine: MACHINE, pid: process.pid, note });
    const written = await state.swap(names.claim(group), text, current?.revision ?? 0);
    if (written !== undefined) return { holder, note };
  }
}

/** Gives a claim up, if this holder has it. Its document stays as long as there is a note in it. */
export async function releaseClaim(
  engine: Engine,
  group: string,
  { holder, note }: { readonly holder: string; readonly note: string | undefined },
): Promise<void> {
  const { state, names } = engine;
  for (;;) {
    const claim = await readClaim(engine, group);
    if (claim?.holder !== holder) return;
    const kept = note ?? claim.note;
    if (kept === undefined) {
      await state.remove(claim.revision);
      return;
    }
    // Nobody's: no holder is called so.
    const ended = { ...claim, holder: "", until: 0, note: kept, revision: undefined };
    const text = JSON.stringify(ended);
    if ((await state.swap(names.claim(group), text, claim.revision)) !== undefined) return;
  }
}
