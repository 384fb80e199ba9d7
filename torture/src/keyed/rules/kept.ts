import type { Rule } from "./rule.ts";

/** What was acknowledged is in the log, once; what was handled is there too. */
export const kept: Rule = {
  name: "kept",
  judge({ entries, rows, remains, runs, lastLossAt }) {
    const missing = entries.flatMap((entry) => {
      if (entry.kind !== "sent" || rows.has(entry.id) || entry.at < lastLossAt) return [];
      return [`${entry.position} of ${entry.by} was acknowledged, and isn't in the log.`];
    });
    const phantoms = runs.flatMap(({ id, by }) =>
      rows.has(id) ? [] : [`${by} handled ${id}, which isn't in the log.`],
    );
    const twice = [...Map.groupBy(remains.rows, ({ from, n }) => `${from} ${n}`)].flatMap(
      ([name, all]) => (all.length > 1 ? [`${name} is ${all.length} times in the log.`] : []),
    );
    return [...missing, ...phantoms, ...twice];
  },
};
