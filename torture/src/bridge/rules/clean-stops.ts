import { processOf } from "../said.ts";
import type { Rule } from "./rule.ts";

/** A stop without a kill drains, a start is never refused while nobody has the name, and nobody complains. */
export const cleanStops: Rule = {
  name: "clean stops",
  judge: (ledger) => {
    const killed = new Set(ledger.only("kill").map(({ who }) => who));
    const stopping = ledger.only("stopping").flatMap(({ life, by }) => {
      const ending = ledger.lives.get(life)?.ending;
      if (ending?.how === "clean" || killed.has(processOf(by))) return [];
      return [
        `${life} did not stop cleanly: ${ending ? "something was left" : "it never said so"}.`,
      ];
    });
    const refused = ledger
      .only("refused")
      .map(({ life, code }) => `${life} could not start: ${code}.`);
    const complaints = ledger
      .only("complaint")
      .filter(({ by, code, at }) => {
        // What a handler publishes after the stop that didn't wait for it stays there.
        return code !== "RINGRIFT_NOT_RUNNING" || !ledger.mayRunOn(by, at);
      })
      .map(({ by, code, message }) => `${by} complained: ${code}: ${message}`);
    return [...stopping, ...refused, ...complaints];
  },
};
