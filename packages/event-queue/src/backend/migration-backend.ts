import type { DeadLetter } from "../contract/dead-letters.ts";
import type { ErrorData } from "../failures/error-data.ts";
import type { StoredEvent } from "../contract/events.ts";
import type { StoredGroupPolicy } from "../checking/group-policy.ts";
import type { EventRecord } from "../sending/stored-event.ts";

/** Part of what a log has, in order. */
export interface MigrationPage<T> {
  readonly items: readonly T[];
  /** Where the next page begins; `undefined` when this is the last one. */
  readonly next: string | undefined;
}

/** Which part of what a log has. */
export interface MigrationRange {
  /** `next` of the page before; `undefined` for the first one. */
  readonly after: string | undefined;
  /** About so many; a log in memory may give all it has. */
  readonly limit: number;
}

/** A dead letter as one log hands it to another one: with the whole event, which neither log may have any more. */
export interface CarriedLetter {
  /** Its body needn't be JSON: an event that couldn't be read is a dead letter too. */
  readonly record: EventRecord;
  readonly group: string;
  readonly attempts: number;
  readonly error: ErrorData;
  readonly history: DeadLetter["history"];
  readonly time: number;
  /** It was given back to its group, which hasn't settled it yet. */
  readonly isRedriven: boolean;
}

/** By what an event is looked for. */
export interface SoughtEvent {
  readonly id: string;
  readonly type: string;
  readonly key?: string | undefined;
}

/** Where an event is: its position, or that it waits for its time; `undefined` where the log doesn't know of it. */
export type EventSpot = number | "delayed" | undefined;

/** A group as it goes on in another log. */
export interface AdoptedGroup {
  readonly name: string;
  readonly policy: StoredGroupPolicy;
  /** It is a reading group. */
  readonly isReader: boolean;
  /** Positions above this one are the group's. */
  readonly after: number;
  /** Up to this position its deliveries say `redelivered`: they may have been handled in the other log. */
  readonly againUpTo: number;
}

/** What `migrateQueue` needs of a backend besides: it leases nothing, and each call may be made again. */
export interface MigrationBackend {
  /**
   * Position of the oldest event that the group has still to settle: not claimed yet, leased, set aside, waiting for a
   * retry or for an earlier one of its key. Found by looking: nothing changes. A backend that can't tell exactly gives an
   * earlier one. What was redriven doesn't count, for `letters` has it; nor do dead letters.
   */
  oldestUnsettled(group: string): Promise<number | undefined>;
  /** The events that wait for their time, in order of arrival, with their `dueAt`. */
  delayed(range: MigrationRange): Promise<MigrationPage<StoredEvent>>;
  /** The dead letters, oldest first, and what was redriven and isn't settled. */
  letters(range: MigrationRange): Promise<MigrationPage<CarriedLetter>>;
  /** Where each of these is in this log. */
  locate(events: readonly SoughtEvent[]): Promise<readonly EventSpot[]>;
  /**
   * Makes a group. One that is there stays as it is, unless an earlier call has made it and no member was given anything
   * since: then it is moved.
   */
  adoptGroup(group: AdoptedGroup): Promise<void>;
  /**
   * Takes letters over, whether or not the log has their events: redriving one gives it to its group. Resolves to how many
   * were added; of a letter whose group has one of this event already, none is.
   */
  adoptLetters(letters: readonly CarriedLetter[]): Promise<number>;
}

/** For backends: what a log hands over of an event that was redriven and isn't settled. */
export function redrivenLetter(group: string, record: EventRecord): CarriedLetter {
  const error = { name: "Error", message: "It was redriven." };
  return { record, group, attempts: 0, error, history: [], time: 0, isRedriven: true };
}

const FOREIGN = 2 ** 52;

/**
 * For backends: the position of a letter whose event isn't in the log. It is below those of all events in it, the same
 * each time, and keeps the letters of another log in their order.
 *
 * @param position - the one that the event had in the log which the letter comes from
 */
export function foreignPosition(position: number): number {
  return position > 0 ? position - FOREIGN : position;
}
