import { processOf } from "../said.ts";
import type { Rule } from "./rule.ts";

/** In microseconds: how long ago a handler may have lost its lease that still runs. */
const RECENTLY = 5_000_000;

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
        // A stop doesn't wait for a handler whose lease has run out, and what that one publishes later stays there.
        return code !== "RINGRIFT_NOT_RUNNING" || !ledger.wasInterrupted(by, at - RECENTLY, at);
      })
      .map(({ by, code, message }) => `${by} complained: ${code}: ${message}`);
    return [...stopping, ...refused, ...complaints];
  },
};
