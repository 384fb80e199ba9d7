import { ANSWER_MS } from "../handlers.ts";
import { type Ledger, SLACK } from "../ledger.ts";
import type { Life } from "../said.ts";
import type { Rule } from "./rule.ts";

/** Long enough for an answer to arrive on a busy machine. */
const IN_TIME = 2 * SLACK;

/**
 * A handler that waits for another event gets it if that is published in time, unless somebody was killed, stopped or
 * frozen meanwhile. A node that has much to catch up with may get to it too late, as long as it goes on: one whose places are
 * all taken by those who wait doesn't.
 */
export const answered: Rule = {
  name: "answered",
  judge: (ledger) =>
    ledger.only("answer").flatMap(({ ok, name, life, at, ms }) => {
      if (ok || ms < ANSWER_MS || ledger.wasDisturbed(at - ms * 1000, at)) return [];
      const answers = ledger.attemptsOf.get(`${name}/answer`) ?? [];
      if (!answers.some((answer) => answer.at <= at - IN_TIME)) return [];
      // Whoever is stopping gets nothing new.
      if ((ledger.lives.get(life)?.stoppingAt ?? Number.POSITIVE_INFINITY) < at) return [];
      if (wentOn(ledger, life, { from: at - IN_TIME, to: at })) return [];
      return [`The answer to "${name}" did not reach ${life} within ${ms} ms.`];
    }),
};

/** Whether a bus got events of others all the time. */
function wentOn(
  { gots, attemptsOf }: Ledger,
  life: Life,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  const isOwn = (name: string): boolean =>
    attemptsOf.get(name)?.some((attempt) => attempt.life === life) ?? false;
  const times = gots
    .filter((got) => got.life === life && got.at > from && got.at < to && !isOwn(got.name))
    .map(({ at }) => at);
  const marks = [from, ...times, to];
  return marks.every((at, index) => at - (marks[index - 1] ?? at) < SLACK);
}
