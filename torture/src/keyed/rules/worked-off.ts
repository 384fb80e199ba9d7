import type { Rule } from "./rule.ts";

/** At the end every event is handled, or a dead letter, and nothing waits. */
export const workedOff: Rule = {
  name: "worked off",
  judge({ remains, runsById }) {
    const dead = new Set(remains.dead.map(({ id }) => id));
    const left = remains.rows.flatMap(({ id, position, key = "no key" }) => {
      const runs = runsById.get(id) ?? [];
      const isHandled = runs.some(({ outcome, held }) => outcome === "handled" && held !== false);
      if (isHandled || dead.has(id)) return [];
      return [`${position} (${key}) was begun ${runs.length} times, and never handled.`];
    });
    const { pending = 0, inFlight = 0, retrying = 0 } = remains.group ?? {};
    const isAtRest = pending + inFlight + retrying === 0;
    const count = `${pending} pending, ${inFlight} in flight, ${retrying} retrying`;
    return isAtRest ? left : [`The group didn't come to rest: ${count}.`, ...left];
  },
};
