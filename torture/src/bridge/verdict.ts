import { type JudgeOptions, Ledger } from "./ledger.ts";
import type { Remains } from "./remains.ts";
import { answered } from "./rules/answered.ts";
import { atRest } from "./rules/at-rest.ts";
import { cleanStops } from "./rules/clean-stops.ts";
import { identity } from "./rules/identity.ts";
import { inOrder } from "./rules/in-order.ts";
import { kept } from "./rules/kept.ts";
import { once } from "./rules/once.ts";
import { reached } from "./rules/reached.ts";
import type { Rule } from "./rules/rule.ts";
import { storedOnce } from "./rules/stored-once.ts";
import { workedOnce } from "./rules/worked-once.ts";
import type { Entry } from "./said.ts";

const RULES: readonly Rule[] = [
  storedOnce,
  kept,
  identity,
  once,
  reached,
  workedOnce,
  inOrder,
  answered,
  cleanStops,
  atRest,
];

/** Rule → what breaks it. A rule that holds is left out. */
export type BridgeVerdict = Readonly<Record<string, readonly string[]>>;

/** Judges a run by its journals and by what is left in one queue, and by nothing else. */
export function judgeBridge(
  entries: readonly Entry[],
  remains: Remains,
  options: JudgeOptions,
): BridgeVerdict {
  const ledger = new Ledger(entries, remains, options);
  return Object.fromEntries(
    RULES.flatMap(({ name, judge }) => {
      const broken = judge(ledger);
      return broken.length === 0 ? [] : [[name, broken]];
    }),
  );
}
