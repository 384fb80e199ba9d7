import type { Rule } from "./rule.ts";

/** One thing that somebody published, at however many attempts, is one event of the log. */
export const storedOnce: Rule = {
  name: "stored once",
  judge: (ledger) =>
    [...ledger.rowsOf].flatMap(([name, rows]) => {
      if (rows.length === 1 || ledger.isForgivenChild(name)) return [];
      return [`"${name}" is in the log ${rows.length} times.`];
    }),
};
