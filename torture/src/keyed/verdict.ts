import { KeyedLedger } from "./ledger.ts";
import type { KeyedRemains } from "./remains.ts";
import { attempts, overcounted } from "./rules/attempts.ts";
import { inOrder } from "./rules/in-order.ts";
import { kept } from "./rules/kept.ts";
import { forgottenAcks, once } from "./rules/once.ts";
import { oneAtATime } from "./rules/one-at-a-time.ts";
import type { Rule } from "./rules/rule.ts";
import { workedOff } from "./rules/worked-off.ts";
import type { Entry } from "./said.ts";

const RULES: readonly Rule[] = [kept, workedOff, once, inOrder, oneAtATime, attempts];

/** What a run amounts to. */
export interface KeyedVerdict {
  /** Rule → what breaks it. A rule that holds is left out. */
  readonly broken: Readonly<Record<string, readonly string[]>>;
  /** What there is to say otherwise. */
  readonly notes: readonly string[];
}

/** Judges a run by its journals and by what is left in the queue, and by nothing else. */
export function judgeKeys(entries: readonly Entry[], remains: KeyedRemains): KeyedVerdict {
  const ledger = new KeyedLedger(entries, remains);
  const broken = Object.fromEntries(
    RULES.flatMap(({ name, judge }) => {
      const sentences = judge(ledger);
      return sentences.length === 0 ? [] : [[name, sentences]];
    }),
  );
  return { broken, notes: [countsOf(ledger), waitsOf(ledger), ...complaintsOf(ledger)] };
}

function countsOf(ledger: KeyedLedger): string {
  const { entries, remains, runs } = ledger;
  const sent = entries.filter(({ kind }) => kind === "sent").length;
  const redrives = [...ledger.redrives.values()].flat().length;
  const dead = `${remains.dead.length} dead letters left, ${redrives} redriven, ${ledger.expired.size} of lost leases`;
  return `${sent} acknowledged, ${runs.length} handlers began; ${dead}; ${overcounted(ledger)} counted an attempt that nobody had begun, ${forgottenAcks(ledger)} acks forgotten`;
}

/** How long the events of keys that waited longest had to, once it was their turn. */
function waitsOf(ledger: KeyedLedger): string {
  const waits = [...ledger.keys.values()].flatMap((rows) =>
    rows.flatMap((row, index) => {
      const begin = ledger.runsById.get(row.id)?.[0]?.begin;
      if (begin === undefined) return [];
      const before = ledger.runsById.get(rows[index - 1]?.id ?? "") ?? [];
      const settled = before.flatMap((run) => ledger.maybeSettled(run) ?? []);
      const turn = settled.length > 0 ? Math.min(begin, ...settled) : 0;
      const from = Math.max(ledger.sentAt(row), turn);
      return [{ ms: Math.round((begin - from) / 1_000), position: row.position, from }];
    }),
  );
  const longest = waits.toSorted((a, b) => b.ms - a.ms).slice(0, 3);
  const shown = longest.map(({ ms, position, from }) => `${ms} ms (${position} from ${from})`);
  return `longest waits for a handler: ${shown.join(", ")}`;
}

function complaintsOf({ entries }: KeyedLedger): string[] {
  const complaints = entries.flatMap((entry) => (entry.kind === "complaint" ? [entry] : []));
  return [...Map.groupBy(complaints, ({ code }) => code)].map(
    ([code, all]) => `${all.length} × ${code}: ${all[0]?.message ?? ""}`,
  );
}
