import type { Attempt, Ledger } from "../ledger.ts";
import type { Rule } from "./rule.ts";

/** What a call said was published is in the log, under the id that it gave. */
export const kept: Rule = {
  name: "kept",
  judge: (ledger) =>
    ledger.attempts.flatMap((attempt) => {
      const { name, how, done, within } = attempt;
      if (!done || wasStopped(ledger, attempt)) return [];
      const rows = ledger.rowsOf.get(name) ?? [];
      const place = within ? ` in a ${within} handler` : "";
      if (rows.length === 0) {
        return isExcused(ledger, attempt) ? [] : [`"${name}" (${how}${place}) is not in the log.`];
      }
      const { id } = done;
      if (id === undefined || rows.some((row) => row.id === id)) return [];
      return [
        `"${name}" (${how}${place}) is in the log, but not under the id that the call gave, ${id}.`,
      ];
    }),
};

/** Only a bus that is no longer bridged took it, and the call can't say so. */
function wasStopped({ lives }: Ledger, { life, at }: Attempt): boolean {
  const ending = lives.get(life)?.ending;
  return ending !== undefined && ending.how !== "killed" && at > ending.at;
}

/** `publishSync` returns before anything is stored. */
function isExcused(ledger: Ledger, { how, life, at }: Attempt): boolean {
  if (how !== "bus.publishSync") return false;
  return ledger.lives.get(life)?.ending?.how === "cut" || ledger.diedSoon({ life, at });
}
