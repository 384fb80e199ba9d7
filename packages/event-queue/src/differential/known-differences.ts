import type { Difference } from "./difference.ts";
import type { Situation } from "./open-choices.ts";
import type { Command, Script } from "./script.ts";

/**
 * A difference that was found and isn't repaired yet. Scripts are played around it, so that others are found; and a test
 * proves that it is still there, so that it goes with its repair.
 */
export interface KnownDifference {
  /** What each queue does, and what the contract says: a sentence. */
  readonly title: string;
  /** The shortest script that shows it. */
  readonly script: Script;
  /** How it shows. */
  readonly where: RegExp;
  /** Whether a command would run into it: then the command isn't played. */
  readonly isReached?: (command: Command, situation: Situation) => boolean;
  /** Whether a difference is this one, where it changes nothing but what is shown. */
  readonly isForgiven?: (difference: Difference) => boolean;
  /** How often in a row a group may give nothing though there is something; then it is asked again. */
  readonly emptyLeases?: number;
}

/** What a script is played around. */
export type Known = Required<Pick<KnownDifference, "isReached" | "isForgiven" | "emptyLeases">>;

/** Puts what is known together. */
export function combineKnown(differences: readonly KnownDifference[]): Known {
  return {
    isReached: (command, situation) =>
      differences.some(({ isReached }) => isReached?.(command, situation)),
    isForgiven: (difference) => differences.some(({ isForgiven }) => isForgiven?.(difference)),
    emptyLeases: Math.max(0, ...differences.map(({ emptyLeases = 0 }) => emptyLeases)),
  };
}
