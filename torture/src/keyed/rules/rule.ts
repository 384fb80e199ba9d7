import type { KeyedLedger, Run } from "../ledger.ts";

/** Something that must hold. Returns what breaks it, one sentence each. */
export interface Rule {
  readonly name: string;
  readonly judge: (ledger: KeyedLedger) => string[];
}

/** A handler and its event, as sentences name them. */
export function nameOf({ position, key = "no key", by, attempt, begin }: Run): string {
  return `${position} (${key}), attempt ${attempt} of ${by} at ${ms(begin)}`;
}

/** A time of the journals, in ms. */
export function ms(at: number): string {
  return `${(at / 1_000).toFixed(1)} ms`;
}
