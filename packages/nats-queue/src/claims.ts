import type { Engine } from "./engine.ts";
import { isHeld, MACHINE, readClaim } from "./stored-claim.ts";

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
