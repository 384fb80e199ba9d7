import type { Answer } from "../play/perform.ts";
import type { Command } from "../script/script.ts";
import type { Side } from "../play/side.ts";

/** Tells the clock when what a command has begun ends: leases, pauses, claims, delays. */
export function noteEndings(side: Side, command: Command, answer: Answer): void {
  for (const end of endsOf(side, command, answer)) if (end !== undefined) side.clock.expect(end);
}

function endsOf(side: Side, command: Command, answer: Answer): readonly (number | undefined)[] {
  const now = side.clock.now();
  if (answer.kind === "leases") return answer.events.map(({ leaseUntil }) => leaseUntil);
  if (answer.kind === "events") {
    return answer.events.map((event) =>
      typeof event === "object" && "dueAt" in event ? event.dueAt : undefined,
    );
  }
  if (command.do === "extend") return [side.lease(command.lease)?.event.leaseUntil];
  if (command.do === "claim") return [now + (side.claims.at(-1)?.ttlMs ?? 0)];
  if (command.do === "renew") return [now + (side.claim(command.claim)?.ttlMs ?? 0)];
  if (command.do !== "nack") return [];
  const held = side.lease(command.lease);
  if (held === undefined) return [];
  const { backoff } = side.policyOf(held.group);
  return [now + (command.delayMs ?? backoff?.initialMs ?? 0)];
}
