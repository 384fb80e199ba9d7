import type { Ledger } from "../ledger.ts";

/** Something that must hold. Returns what breaks it, one sentence each. */
export interface Rule {
  readonly name: string;
  readonly judge: (ledger: Ledger) => string[];
}
