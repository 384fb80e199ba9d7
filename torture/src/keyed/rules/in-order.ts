import type { KeyedLedger } from "../ledger.ts";
import type { Row } from "../remains.ts";
import { ms, nameOf, type Rule } from "./rule.ts";

/** Of one key, no event begins before the one before it was settled. */
export const inOrder: Rule = {
  name: "in order",
  judge(ledger) {
    return [...ledger.keys.values()].flatMap((rows) =>
      rows.flatMap((row, index) => {
        const before = rows[index - 1];
        const [first] = ledger.runsById.get(row.id) ?? [];
        if (before === undefined || first === undefined) return [];
        const settled = settledAt(ledger, before);
        if (settled <= first.begin) return [];
        const when = Number.isFinite(settled) ? `only at ${ms(settled)}` : "never";
        return [`${nameOf(first)} began, and ${before.position} before it was settled ${when}.`];
      }),
    );
  },
};

/** When it was settled first, as early as may be. */
function settledAt(ledger: KeyedLedger, { id }: Row): number {
  // Whoever found that its lease had run out too often needn't have said so.
  if (ledger.expired.has(id)) return 0;
  const settled = (ledger.runsById.get(id) ?? []).flatMap((run) => ledger.maybeSettled(run) ?? []);
  return Math.min(Number.POSITIVE_INFINITY, ...settled);
}
