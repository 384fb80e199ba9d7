import type { RawMessage } from "../messages/raw-message.ts";
import type { Candidate } from "./candidate.ts";

/** A delivery that waits at this member for its turn. */
export interface Parked extends Candidate {
  readonly message: RawMessage;
  /** When the lease that came with it ends, on the monotone clock. */
  readonly until: number;
  /** Number of the run that it came with, while the member had all that was unsettled; else 0. */
  readonly run: number;
  readonly since: number;
  /** Nobody can have had an earlier delivery of it. */
  readonly isFirst?: boolean;
}

/** Those that the server hasn't given to somebody else by now: of the others nothing may be said any more. */
export function stillHeld(parked: readonly Parked[]): Parked[] {
  const now = performance.now();
  return parked.filter(({ until }) => until > now);
}
