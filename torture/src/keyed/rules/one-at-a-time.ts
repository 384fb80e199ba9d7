import type { KeyedLedger, Run } from "../ledger.ts";
import { nameOf, type Rule } from "./rule.ts";

/**
 * Two handlers never have events of one key at the same time, unless one's lease may have run out, and nothing of a key begins
 * while another event of it is unsettled, e.g. waits for its retry. So it is with redriven ones.
 */
export const oneAtATime: Rule = {
  name: "one at a time",
  judge(ledger) {
    const byKey = Map.groupBy(ledger.runs, ({ key, id }) => key ?? id);
    return [...byKey.values()].flatMap((runs) =>
      overlaps(ledger, runs).concat(interruptions(ledger, runs)),
    );
  },
};

function overlaps(ledger: KeyedLedger, runs: readonly Run[]): string[] {
  const found: string[] = [];
  let open: Run[] = [];
  for (const run of runs) {
    open = open.filter((one) => ledger.over(one) > run.begin);
    for (const one of open) {
      const isLost = ledger.mayHaveLost(one, run.begin) && one.held !== true;
      const isLate = ledger.mayBeTooLate(one) || ledger.mayBeTooLate(run);
      if (!isLost && !isLate) found.push(`${nameOf(run)} began while ${nameOf(one)} was handled.`);
    }
    open.push(run);
  }
  return found;
}

function interruptions(ledger: KeyedLedger, runs: readonly Run[]): string[] {
  const found: string[] = [];
  let block: Run[] = [];
  for (const run of runs) {
    if (ledger.mayBeTooLate(run)) continue;
    const [open] = block;
    if (open !== undefined && open.id !== run.id) {
      const isOver =
        ledger.expired.has(open.id) ||
        ledger.wasSettledBeforeLoss(open.id) ||
        block.some((one) => (ledger.maybeSettled(one) ?? Number.POSITIVE_INFINITY) <= run.begin);
      const last = block.at(-1);
      if (!isOver && last !== undefined) {
        found.push(`${nameOf(run)} began before ${nameOf(last)} was settled.`);
      }
      block = [];
    }
    block.push(run);
  }
  return found;
}
