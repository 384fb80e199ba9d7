import type { DeadLetter } from "../../contract/dead-letters.ts";
import type { ErrorData } from "../../failures/error-data.ts";
import type { LeasedEvent, StoredEvent } from "../../contract/events.ts";
import type { GroupInfo } from "../../contract/groups.ts";
import type { LogView } from "./log-view.ts";
import type { ScriptClock } from "../clocks/script-clock.ts";

/*
 * What the contract leaves open. Where two queues may answer differently and both be right, answers are compared by
 * what the contract says, here, or the command isn't played, in `open-choices.ts`. There is no other tolerance.
 */

/** Messages are for people, and a backend's own: only codes are promised. */
export function codeOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "code" in error) return String(error.code);
  return String(error);
}

/** The error of a dead letter. Stacks differ by where they were made, and so do the words of a lease that ran out. */
export function errorFact({ name, message, code, cause }: ErrorData): unknown {
  if (code === "LEASE_EXPIRED") return { code };
  return { name, message, code, cause: cause && errorFact(cause) };
}

/** A failed attempt's message; the words of a lease that ran out are a backend's own. */
export function failureFact(message: string): string {
  return /lease/i.test(message) ? "The lease ran out." : message;
}

/**
 * The cursor, as the number of retained events of the group's types above it: over events that a group doesn't read,
 * its cursor may move at any time.
 */
export function cursorFact({ cursor, eventTypes }: GroupInfo, log: readonly StoredEvent[]): number {
  return log.filter(
    ({ position, type }) => position > cursor && (eventTypes?.includes(type) ?? true),
  ).length;
}

/**
 * When an event was stored, but never before those that precede it: when the clock is set back, a log may stamp events
 * with the time of the newest one, so that a moment can be found by bisection.
 */
export function storedAtFact(
  log: LogView,
  clock: ScriptClock,
  event: StoredEvent,
): number | string {
  return clock.since(log.latestUpTo(event.position) ?? event.storedAt);
}

/**
 * Until when an event is leased. One of a key, which its member has got before its turn, may come with three quarters of its
 * lease: it says so itself, and no member has to ask its server again for each event.
 */
export function leaseUntilFact(
  clock: ScriptClock,
  { key, leaseUntil, storedAt }: LeasedEvent,
): number | string {
  if (key === undefined) return clock.since(leaseUntil);
  const now = clock.now();
  return clock.since(leaseUntil, Math.max(0, Math.min((leaseUntil - now) / 4, now - storedAt)));
}

/** Dead letters, oldest first; among those that died in the same moment the order is open. */
export function inOpenOrder(letters: readonly DeadLetter[], clock: ScriptClock): DeadLetter[] {
  const runs: DeadLetter[][] = [];
  for (const letter of letters) {
    const run = runs.at(-1);
    const [first] = run ?? [];
    const isSame = first && clock.readingAt(first.time) === clock.readingAt(letter.time);
    if (isSame === true) run?.push(letter);
    else runs.push([letter]);
  }
  return runs.flatMap((run) =>
    run.toSorted(
      (one, other) => one.position - other.position || (one.group < other.group ? -1 : 1),
    ),
  );
}

/** An idle member needn't write down more often that its group is served. */
const SERVED_EVERY_MS = 60_000;

/**
 * Whether a group's `lastServedAt` is near enough to the one of the reference: it may be older by a minute, and by a
 * quarter of `expireAfterMs` if that is less.
 */
export function isServedAsOften(
  reference: GroupInfo,
  subject: GroupInfo,
  slackMs: number,
): boolean {
  const late = reference.lastServedAt - subject.lastServedAt;
  return late >= -slackMs && late <= Math.min(SERVED_EVERY_MS, reference.expireAfterMs / 4);
}
