import { KNOWN_BUGS, type KnownBug } from "../known-bugs.ts";
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
import { isBelow, oneId } from "./rules/one-id.ts";
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
  return forgive(
    scenario,
    RULES.flatMap((rule) => Array.from(rule(trial))),
  );
}

/** Leaves out what known bugs lead to, and what is said of the children of such events. */
function forgive({ features }: Scenario, complaints: readonly Complaint[]): Complaint[] {
  const bugs: [string, KnownBug][] = Object.entries(KNOWN_BUGS);
  const known = new Set(
    bugs.flatMap(([name, bug]) => (features.some((one) => one === name) ? [] : (bug.kinds ?? []))),
  );
  const isKnown = ({ kind }: Complaint): boolean => known.has(kind);
  const tags = new Set(complaints.filter(isKnown).flatMap(({ tag }) => tag ?? []));
  return complaints.filter((complaint) => {
    const { tag } = complaint;
    return !isKnown(complaint) && !(tag !== undefined && isBelow(tag, tags));
  });
}
