import type { StageContext } from "./context.ts";
import { identity } from "./context.ts";

/**
 * Write down every event that comes by on this node's bus, its own ones included: that each node sees
 * each event once is what the proof checks with it, and how long it took to get here.
 */
export function recordSightings({ node, events, ledger }: StageContext): void {
  events.bus.subscribe("**", (event) => {
    const now = Date.now();
    const redelivered = event.redelivered ?? false;
    ledger.write({
      ...identity(event),
      ...(event.causationId !== undefined && { causationId: event.causationId }),
      attempt: redelivered ? 2 : 1,
      redelivered,
      outcome: "seen",
      group: node,
      startedAt: now,
      at: now,
    });
  });
}
