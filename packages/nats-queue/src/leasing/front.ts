import type { DeliveryRecord } from "../groups/delivery-records.ts";
import type { Group } from "../groups/group.ts";
import type { Candidate } from "./candidate.ts";
import type { KeyLine, KnownLine, LineHead } from "../groups/key-line.ts";
import type { Parked } from "./parked.ts";
import type { RawMessage } from "../messages/raw-message.ts";

/** The first unsettled event of a key, as it is to be leased. */
export interface Front {
  readonly candidate: Candidate;
  readonly attempt: number;
  readonly failures: DeliveryRecord["failures"];
  readonly run: number;
  /** The connection on which it came, or was read. */
  readonly link: number;
  /** The attempt before was lost with its lease. */
  readonly isAfterLoss: boolean;
}

/** Which attempt it is, and what became of the one before. */
export type Attempt = Pick<Front, "attempt" | "isAfterLoss">;

/**
 * Which attempt it is. Whoever is given an event that was delivered before notes that before it begins: of what isn't noted only
 * the first one can have begun it, and deliveries that got lost are no attempts.
 */
export function attemptAfter(noted: LineHead | undefined, isRepeated: boolean): Attempt {
  if (noted === undefined) return { attempt: isRepeated ? 2 : 1, isAfterLoss: isRepeated };
  const isAfterLoss = noted.reply === undefined && noted.isBack !== true;
  return { attempt: noted.attempts + 1, isAfterLoss };
}

/**
 * Whether no handler can have had an event that was delivered before: nobody was given it then, or it came before its turn,
 * to somebody who didn't settle the one before it.
 * `now` is by the server's clock.
 */
export function isUnbegun(
  { place, message, isFirst }: Parked,
  { line, writtenAt }: KnownLine,
  { group: { start, usualLeaseMs }, now }: { readonly group: Group; readonly now: number },
): boolean {
  if (message.delivery === 1 || line.head?.position === place.position) return false;
  if (isFirst === true) return true;
  return writtenAt >= now - usualLeaseMs && line.settled > start && line.atHand !== place.position;
}

/** A line, once its front is settled; `atHand` is the position of the next event, where that is known. */
export function lineBehind(
  { candidate: { place, source } }: Front,
  line: KeyLine,
  { token, atHand }: { readonly token: RawMessage; readonly atHand?: number | undefined },
): KeyLine {
  const { position } = place;
  const { absorbed, turn } = line;
  return {
    settled: position,
    at: source.time,
    absorbed,
    count: Math.max(0, line.count - (line.token === undefined ? 0 : 1)),
    ...(absorbed > position ? { token: token.position, since: token.delivery } : { atHand }),
    turn,
  };
}
