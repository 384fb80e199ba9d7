import type { Row } from "../remains.ts";
import type { Ledger } from "../ledger.ts";
import type { Rule } from "./rule.ts";

/** One thing that somebody published, at however many attempts, is one event of the log. */
export const storedOnce: Rule = {
  name: "stored once",
  judge: (ledger) =>
    [...ledger.rowsOf].flatMap(([name, rows]) => {
      if (rows.length === 1 || isForgiven(ledger, name, rows)) return [];
      return [`"${name}" is in the log ${rows.length} times.`];
    }),
};

/** A subscriber that is called again publishes again, and derives no id from its event. */
function isForgiven(ledger: Ledger, name: string, rows: readonly Row[]): boolean {
  if (ledger.bugs.has("busChildren")) return false;
  const attempts = ledger.attemptsOf.get(name) ?? [];
  return attempts.length >= rows.length && attempts.every(({ within }) => within === "bus");
}
