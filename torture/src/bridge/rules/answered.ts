import { ANSWER_MS } from "../handlers.ts";
import type { Rule } from "./rule.ts";

/** A handler that waits for another event gets it, unless somebody was killed, stopped or frozen meanwhile. */
export const answered: Rule = {
  name: "answered",
  judge: (ledger) =>
    ledger.only("answer").flatMap(({ ok, name, life, at, ms }) => {
      if (ok || ms < ANSWER_MS || ledger.wasDisturbed(at - ms * 1000, at)) return [];
      return [`The answer to "${name}" did not reach ${life} within ${ms} ms.`];
    }),
};
