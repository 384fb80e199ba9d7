import { ANSWER_MS } from "../handlers.ts";
import { SLACK } from "../ledger.ts";
import type { Rule } from "./rule.ts";

/** Long enough for an answer to arrive on a busy machine. */
const IN_TIME = 2 * SLACK;

/**
 * A handler that waits for another event gets it if that is published in time, unless somebody was killed, stopped or
 * frozen meanwhile.
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
      return [`The answer to "${name}" did not reach ${life} within ${ms} ms.`];
    }),
};
