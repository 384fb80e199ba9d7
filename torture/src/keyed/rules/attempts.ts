import type { KeyedLedger, Run } from "../ledger.ts";
import { nameOf, type Rule } from "./rule.ts";

/** An attempt is counted when a handler has begun: no more attempts than handlers, and no dead letter that none has seen. */
export const attempts: Rule = {
  name: "attempts",
  judge(ledger) {
    const counted = ledger.runs.flatMap((run) => {
      const begun = begunBefore(ledger, run);
      // A delivery that was withdrawn in the server counts, where the event has no key.
      const withdrawn = run.key === undefined ? 1 : 0;
      if (run.attempt <= begun + 1 + withdrawn || isExcused(ledger, run)) return [];
      return [`${nameOf(run)} had been begun only ${begun} times.`];
    });
    return [...counted, ...unbegunLetters(ledger)];
  },
};

/** How many began with a count of attempts too high, which may come from a process that was killed or frozen. */
export function overcounted(ledger: KeyedLedger): number {
  return ledger.runs.filter((run) => run.attempt > begunBefore(ledger, run) + 1).length;
}

function begunBefore({ runsById, redrives }: KeyedLedger, { id, begin }: Run): number {
  const since = (redrives.get(id) ?? []).findLast(({ at }) => at < begin)?.at ?? 0;
  return (runsById.get(id) ?? []).filter((one) => one.begin < begin && one.begin > since).length;
}

/** Of who had it and was killed, nobody knows whether it had begun. */
function isExcused(ledger: KeyedLedger, { id, begin }: Run): boolean {
  const row = ledger.rows.get(id);
  return row !== undefined && ledger.isTroubled(ledger.sentAt(row), begin);
}

function unbegunLetters(ledger: KeyedLedger): string[] {
  const { runsById, remains, expired, rows, lastLossAt } = ledger;
  const unbegun = remains.dead.flatMap(({ id, code }) =>
    // Of an event that the server has lost, nothing is known of its runs.
    (runsById.get(id) ?? []).length === 0 && (rows.has(id) || lastLossAt === 0)
      ? [`${id} is dead (${code}), and nobody began it.`]
      : [],
  );
  const untroubled = [...expired].flatMap((id) => {
    const runs = runsById.get(id) ?? [];
    const isLost = runs.some((run) => ledger.wasKilled(run) || ledger.mayHaveLost(run, Infinity));
    return isLost ? [] : [`${id} died of leases that ran out, and nobody who began it lost one.`];
  });
  return [...unbegun, ...untroubled];
}
