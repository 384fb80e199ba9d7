import { WORK, QUEUE_TYPES } from "../catalogue.ts";
import { type Ledger, SLACK, type Working } from "../ledger.ts";
import type { Rule } from "./rule.ts";

/** A group works on each of its events until it succeeds, and again only after a failure, a crash or a lost lease. */
export const workedOnce: Rule = {
  name: "worked on once",
  judge: (ledger) => {
    const byEvent = Map.groupBy(ledger.workings, ({ group, id }) => `${group} ${id}`);
    const repeated = [...byEvent.values()].flatMap((all) =>
      all.flatMap((one, index) => repetition(ledger, one, all[index - 1])),
    );
    const dead = new Set(ledger.remains.deadLetters.map(({ group, id }) => `${group} ${id}`));
    const groups = new Set(ledger.remains.groups.map(({ name }) => name));
    // Groups belong to one queue: nobody works on the other one.
    const works = Object.entries(WORK).filter(([group]) => groups.has(group));
    const unfinished = works.flatMap(([group, topic]) =>
      ledger.remains.rows.flatMap(({ id, name, type }) => {
        if (type !== QUEUE_TYPES[topic]) return [];
        const isDone = byEvent.get(`${group} ${id}`)?.some(({ ok }) => ok) ?? false;
        const isDead = dead.has(`${group} ${id}`);
        if (isDone === isDead)
          return [
            `"${name}" ${isDone ? "is done, and a dead letter" : "was never done"} in "${group}".`,
          ];
        return [];
      }),
    );
    return [...repeated, ...unfinished];
  },
};

function repetition(ledger: Ledger, one: Working, before: Working | undefined): string[] {
  const { name, group, life, attempt, redelivered, at } = one;
  const what = `"${name}" was worked on in "${group}" by ${life}`;
  if (redelivered && attempt === 1) return [`${what}, marked as redelivered at its first attempt.`];
  if (!redelivered && attempt > 1)
    return [`${what}, not marked as redelivered at attempt ${attempt}.`];
  // It was given to somebody who could not even begin.
  if (!before)
    return redelivered && !hadTrouble(ledger, at) ? [`${what} first, as redelivered.`] : [];
  if (ledger.mayBeForgotten(before)) return [];
  if (!redelivered) return [`${what} again, not marked as redelivered.`];
  if (attempt <= before.attempt) return [`${what} again, as attempt ${attempt} once more.`];
  if (before.ok === false || wasCutOff(ledger, before)) return [];
  return [`${what} again, though ${before.life} ${before.ok ? "had done it" : "was doing it"}.`];
}

/** Whether its lease may have been lost before its end was settled. */
function wasCutOff(ledger: Ledger, { by, life, at, end }: Working): boolean {
  // It may have got it a while before it began.
  if (ledger.wasInterrupted(by, at - SLACK, end)) return true;
  const ending = ledger.lives.get(life)?.ending;
  if (!ending || ending.how === "clean") return false;
  return end === undefined || end > ending.at - SLACK;
}

function hadTrouble(ledger: Ledger, until: number): boolean {
  return [...ledger.lives.values()].some(
    ({ by, ending }) =>
      (ending && ending.how !== "clean" && ending.at < until) ||
      ledger.wasInterrupted(by, 0, until),
  );
}
