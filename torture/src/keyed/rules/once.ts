import type { KeyedLedger, Run } from "../ledger.ts";
import { ms, nameOf, type Rule } from "./rule.ts";

/** What the server gave before it was killed may lie at a member that has waited for it so long, in microseconds. */
const LATE = 5_000_000;

/** Nothing is begun again once somebody was told that it is settled. */
export const once: Rule = {
  name: "once",
  judge(ledger) {
    return ledger.runs.flatMap((run) => {
      const settled = settledBefore(ledger, run);
      const last = settled.at(-1);
      if (last === undefined || settled.length < ledger.roundsOf(run.id, run.begin)) return [];
      if (isForgotten(ledger, run, last)) return [];
      return [`${nameOf(run)} had been settled at ${ms(last)}.`];
    });
  },
};

/**
 * How many were begun again since the server, killed, had forgotten a delivery or an ack of them: of no key, or redriven, which
 * nothing else notes.
 */
export function forgottenAcks(ledger: KeyedLedger): number {
  return ledger.runs.filter((run) => {
    const last = settledBefore(ledger, run).at(-1);
    return last !== undefined && isForgotten(ledger, run, last);
  }).length;
}

function isForgotten(ledger: KeyedLedger, run: Run, settledAt: number): boolean {
  const { id, key, begin, held } = run;
  // It lost what it knew, or the log begins anew behind what it lost.
  if (settledAt < ledger.lastLossAt) return true;
  // It gave what a member had to another one, before the lease was over; the one that is too late is told so.
  if (held !== true && ledger.isServerKilledIn(begin - LATE, begin)) return true;
  if (key !== undefined && ledger.roundsOf(id, begin) === 1) return false;
  const [first] = ledger.runsById.get(id) ?? [];
  return ledger.isServerKilledIn(Math.min(settledAt, first?.begin ?? 0) - LATE, begin);
}

function settledBefore({ runsById, buried }: KeyedLedger, { id, begin }: Run): number[] {
  const handled = (runsById.get(id) ?? []).flatMap(({ outcome, held, settledAt }) =>
    outcome === "handled" && held === true && settledAt !== undefined ? [settledAt] : [],
  );
  const all = [...handled, ...(buried.get(id) ?? [])].toSorted((a, b) => a - b);
  return all.filter((at) => at < begin);
}
