import type { Answer, Refusal } from "../play/perform.ts";
import type { Pulled } from "../play/stream-tap.ts";

/**
 * In which order a queue has stored what was sent at once: where one doesn't wait for the other, that is open. Those that
 * added nothing come last, since what they found was there.
 */
export function orderOf(answer: Answer): readonly number[] | undefined {
  if (answer.kind !== "events") return undefined;
  return answer.events
    .map((one, nth) => ({ nth, ...placeOf(one) }))
    .toSorted((a, b) => a.rank - b.rank || a.position - b.position || a.nth - b.nth)
    .map(({ nth }) => nth);
}

function placeOf(one: Pulled | Refusal): { readonly rank: number; readonly position: number } {
  if (one === "end" || "error" in one) return { rank: 3, position: 0 };
  if (one.duplicate === true) return { rank: 2, position: 0 };
  return { rank: one.position === 0 ? 1 : 0, position: one.position };
}
