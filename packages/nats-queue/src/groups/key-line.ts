import type { DeadLetter } from "@ringrift/event-queue";

/** What is known of the first unsettled event of a key that isn't a plain first delivery. */
export interface LineHead {
  readonly position: number;
  /** The server's count of deliveries, of the message that stands for it, when `attempts` was right. */
  readonly delivery: number;
  /** Attempts that count, up to and with that delivery. */
  readonly attempts: number;
  readonly failures: DeadLetter["history"];
  /** It waits for its next attempt: where the server is told that it is settled. */
  readonly reply?: string | undefined;
  /** It is, or was, held until then, by the server's clock: noted where its holder doesn't settle it in time. */
  readonly until?: number | undefined;
  /** Nobody may begin it before then, by the server's clock, though the server gives it to them. */
  readonly notBefore?: number | undefined;
  /** It waited so, and was taken to see whether it is too old. */
  readonly isBack?: true | undefined;
}

/**
 * How far a group is with the events of a key, in the order of the log.
 *
 * The first unsettled one is delivered by the group's consumer, and its message is unacknowledged for as long. Events
 * behind it may be *absorbed*: acknowledged to the consumer, since whoever settles the first one goes on with the next one
 * that the log has. The message of the first one then stays unacknowledged until nothing is absorbed any more, and stands
 * for all of them (it is the *token*): when its holder dies, the consumer gives it to another member.
 */
export interface KeyLine {
  /** All events of the key up to this position are settled. */
  readonly settled: number;
  /** When the server stored the last one that was settled; 0 where none was. */
  readonly at: number;
  /** Events up to this position don't come from the consumer any more, but for the first one. */
  readonly absorbed: number;
  /** How many were absorbed and aren't settled. */
  readonly count: number;
  /** Position of the token, once its own event is settled. */
  readonly token?: number | undefined;
  /** The server's count of deliveries of the token when the last event was settled. */
  readonly since?: number | undefined;
  readonly head?: LineHead | undefined;
  /** While there is no head: the token was given back, and nobody has begun the first event. */
  readonly isFree?: true | undefined;
  /** The next event, where whoever settled the last one had it at hand, and has begun it unless it died. */
  readonly atHand?: number | undefined;
  /** The redriven event, by its sequence among the dead letters, that is handled now or waits for its retry. */
  readonly turn?: number | undefined;
}

/** A line, and the revision that a change of it must name (0 where nothing is written yet). */
export interface KnownLine {
  readonly line: KeyLine;
  readonly revision: number;
  /** When it was written, by the server's clock; 0 where nothing is. */
  readonly writtenAt: number;
}

/** The line of a key of which the group has seen nothing. */
export function newLine(start: number): KeyLine {
  return { settled: start, at: 0, absorbed: 0, count: 0 };
}

/** Whether something waits in it that the consumer doesn't tell of. */
export function isSpecial({ settled, absorbed, head, token }: KeyLine): boolean {
  const isNoted = head?.reply !== undefined || head?.until !== undefined;
  return absorbed > settled || token !== undefined || isNoted;
}

/** Whether all that isn't settled is still to come from the consumer, as far as known. */
export function isPlain(line: KeyLine): boolean {
  return line.head === undefined && line.turn === undefined && !isSpecial(line);
}

/**
 * Whether a position that counts as settled has another event by now: the server has lost the end of its log, and given its
 * positions anew. What it stores later has a later time.
 */
export function isGivenAnew(
  { settled, at }: KeyLine,
  one: { position: number; time: number },
): boolean {
  return at > 0 && one.position <= settled && one.time > at;
}

/**
 * Most lines say only how far they are: so they are short.
 *
 * @param by - who writes it: two who write the same can be told apart, where one's answer was lost
 */
export function encodeLine({ settled, at, absorbed, count, ...rest }: KeyLine, by: string): string {
  return JSON.stringify({
    settled,
    at,
    ...(absorbed > settled && { absorbed, count }),
    ...rest,
    by,
  });
}

type StoredLine = Partial<KeyLine> & Pick<KeyLine, "settled"> & { readonly by?: string };

export function decodeLine(text: string): KeyLine {
  // The cast is safe: written by encodeLine.
  const { by: _, ...stored } = JSON.parse(text) as StoredLine;
  return { at: 0, absorbed: 0, count: 0, ...stored };
}
