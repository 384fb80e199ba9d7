import type { Ledger } from "../ledger.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { ackAfterEffect } from "./rules/ack-after-effect.ts";
import { answersCome } from "./rules/answers-come.ts";
import { atRest } from "./rules/at-rest.ts";
import { bridged } from "./rules/bridged.ts";
import { cleanEnd } from "./rules/clean-end.ts";
import { keyOrder } from "./rules/key-order.ts";
import { noWarnings } from "./rules/no-warnings.ts";
import { nothingLost } from "./rules/nothing-lost.ts";
import { oncePerNode } from "./rules/once-per-node.ts";
import { oneId } from "./rules/one-id.ts";
import { rightCauses } from "./rules/right-causes.ts";
import { spoolOrder } from "./rules/spool-order.ts";
import { workOnce } from "./rules/work-once.ts";
import { type Complaint, type Rule, Trial } from "./trial.ts";

const RULES: readonly Rule[] = [
  oncePerNode,
  oneId,
  rightCauses,
  workOnce,
  ackAfterEffect,
  keyOrder,
  nothingLost,
  spoolOrder,
  bridged,
  atRest,
  cleanEnd,
  answersCome,
  noWarnings,
];

/** Judges a run by its ledger. Empty: everything is as promised. */
export function judge(scenario: Scenario, ledger: Ledger): Complaint[] {
  const trial = new Trial(scenario, ledger);
  return RULES.flatMap((rule) => Array.from(rule(trial)));
}
