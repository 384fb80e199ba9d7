import type { DeadLetter } from "../../contract/dead-letters.ts";
import { timeOf } from "../play/passing-time.ts";
import { filterOf } from "../play/perform.ts";
import {
  type Command,
  type GroupName,
  LOG_OPTIONS,
  type Sent,
  type Start,
} from "../script/script.ts";
import { bridgedId } from "../play/sent-events.ts";
import type { HeldLease, Observation, Side } from "../play/side.ts";
import { cursorFact } from "../play/tolerances.ts";

/** Where a script is when it comes to a command. */
export interface Situation {
  readonly now: number;
  /** What the memory queue shows. */
  readonly seen: Observation;
  /** What the other queue shows. */
  readonly subjectSeen: Observation;
  /** What the memory queue has leased, settled ones included. */
  readonly leases: readonly HeldLease[];
  /** Groups that dead letters were given back to, and that have not taken all they had since. */
  readonly redriven: ReadonlySet<GroupName>;
  /** Where ids of the other queue count. */
  readonly idsCountWithin: "log" | "type";
}

/**
 * Whether a lease has to take all that its group has. In which order retries, redriven events and new ones come is
 * open, but for one thing: first deliveries come in position order. So of such a mixture it is compared what it is,
 * and not what of it comes first.
 */
export function takesAll({ seen, redriven }: Situation, name: GroupName): boolean {
  const group = seen.groups.find((one) => one.name === name);
  return redriven.has(name) || (group?.retrying ?? 0) > 0;
}

/** Why a command isn't played, as its outcome is open; `undefined` when it is played. */
export async function whyOpen(
  command: Command,
  situation: Situation,
  reference: Side,
): Promise<string | undefined> {
  if (command.do === "letters" || command.do === "redrive" || command.do === "discard") {
    return whyLettersAreOpen(command, situation, reference);
  }
  if (situation.idsCountWithin === "type" && sentBy(command).some(isOfOtherType)) {
    return "an id counts within its type where producers may be allowed to send some types only";
  }
  if (reference.clock.isReal && command.do === "sendAtOnce" && isOrderUnseen(command.events)) {
    return "in which order delayed events are stored whose senders don't wait for one another is open, and isn't seen";
  }
  if (command.do === "pass" || command.do === "passTo") {
    return whyTimeIsOpen(situation, timeOf(command, reference.clock));
  }
  const isNew =
    "group" in command && !situation.seen.groups.some(({ name }) => name === command.group);
  if (command.do === "lease" && isNew && command.plain === true) {
    return "a group made with the default policy has random pauses";
  }
  if (command.do === "lease" && isNew && reference.policyOf(command.group).skipAfterMs) {
    return "how soon a new group skips what is too old is open";
  }
  const sent = sentBy(command);
  if (sent.some((event) => comesAgain(event, situation, reference))) {
    return "whether an event that was gone from the log and comes again is the one that died is open";
  }
  // Members of a queue on a server may have to be told first that they must look for it.
  const isKeyed = sent.some(({ key }) => key !== undefined);
  if (reference.clock.isReal && situation.redriven.size > 0 && isKeyed) {
    return "whether a redriven event or a later one of its key comes first is open";
  }
  if (reference.clock.wasSetBack && sent.some(({ dedupeKey }) => dedupeKey !== undefined)) {
    return "a dedupe key whose window was over once may be forgotten for good";
  }
  if (reference.clock.wasSetBack && startsAtMoment(command, isNew, reference)) {
    return "after the clock was set back, several events may be stored at the same time";
  }
  return undefined;
}

async function whyLettersAreOpen(
  command: Command & { do: "letters" | "redrive" | "discard" },
  situation: Situation,
  reference: Side,
): Promise<string | undefined> {
  const filter = { ...filterOf(reference, command.which), limit: 1_000 };
  const letters = await reference.observer.deadLetters.list(filter);
  const { limit = letters.length } = command.which;
  if (limit < letters.length && letters[limit - 1]?.time === letters[limit]?.time) {
    return "which of the letters that died in the same moment is the older one is open";
  }
  const some = letters.slice(0, limit);
  const isOvertaken = reference.clock.isReal && isBeforeOthers(situation, some);
  if (command.do === "redrive" && (isOvertaken || isOrderOpen(situation, some))) {
    return "whether a redriven event or a later one of its key comes first is open";
  }
  return undefined;
}

function whyTimeIsOpen(situation: Situation, ms: number): string | undefined {
  const then = situation.now + ms;
  if (expiresOnOneSide(situation, then)) {
    return "when a group was last served is known to a minute only, and so is when it expires";
  }
  if (isTooOldOnOneSide(situation, then)) {
    return "after the clock was set back, an event may be stored with the time of the one before it";
  }
  return undefined;
}

/** Keys of redriven events that are, or will be, where others of the same key are. */
function isOrderOpen({ seen, redriven }: Situation, letters: readonly DeadLetter[]): boolean {
  const keyed = letters.filter(({ key }) => key !== undefined);
  const keys = new Set(keyed.map(({ group, key }) => JSON.stringify([group, key])));
  if (keys.size < keyed.length) return true;
  return keyed.some(({ group: name }) => {
    const group = seen.groups.find((one) => one.name === name);
    const passed = group === undefined ? 0 : group.pending - cursorFact(group, seen.log);
    return passed > 0 || redriven.has(name as GroupName);
  });
}

/** Letters with a key of which the group has still to get others. */
function isBeforeOthers({ seen }: Situation, letters: readonly DeadLetter[]): boolean {
  return letters.some(({ key, group: name }) => {
    const cursor = seen.groups.find((group) => group.name === name)?.cursor ?? 0;
    return key !== undefined && seen.log.some((one) => one.key === key && one.position > cursor);
  });
}

function sentBy(command: Command): readonly Sent[] {
  if (command.do === "send") return [command.event];
  return "events" in command ? command.events : [];
}

/** Several wait for their time, of which one may be looked for first. */
function isOrderUnseen(events: readonly Sent[]): boolean {
  const delayed = events.filter(({ delayMs }) => delayMs !== undefined);
  return delayed.length > 1 && events.some(isLookedFor);
}

function isLookedFor({ dedupeKey, lineage }: Sent): boolean {
  return dedupeKey !== undefined || lineage !== undefined;
}

/** It has the id of an event of this log, and another type. */
function isOfOtherType({ lineage }: Sent): boolean {
  return lineage !== undefined && "copyOf" in lineage && lineage.other === "type";
}

/** An event that the log has no more, though a group may still have it, dead or given back. */
function comesAgain(sent: Sent, { seen, redriven }: Situation, { log, clock }: Side): boolean {
  const id = bridgedId(sent, log, clock);
  if (id === undefined || seen.log.some((event) => event.id === id)) return false;
  if (!log.seen.some((event) => event.id === id)) return false;
  return redriven.size > 0 || seen.letters.some((letter) => letter.id === id);
}

function startsAtMoment(command: Command, isNew: boolean, reference: Side): boolean {
  if (command.do === "history") return command.since !== undefined || command.until !== undefined;
  if (command.do === "read" || command.do === "stream" || command.do === "seek") {
    return isMoment(command.from);
  }
  if (command.do !== "lease" && command.do !== "ensure") return false;
  const { from } = reference.policyOf(command.group);
  return isNew && typeof from === "object" && "time" in from;
}

function isMoment(from: Start | undefined): boolean {
  return typeof from === "object" && "moment" in from;
}

function expiresOnOneSide({ seen, subjectSeen }: Situation, then: number): boolean {
  return seen.groups.some(({ name, lastServedAt, expireAfterMs }) => {
    const other = subjectSeen.groups.find((group) => group.name === name);
    const servedAt = other?.lastServedAt ?? lastServedAt;
    return then - lastServedAt > expireAfterMs !== then - servedAt > expireAfterMs;
  });
}

/** Time passes with each command, too. */
const MARGIN_MS = 60_000;

function isTooOldOnOneSide({ seen, subjectSeen }: Situation, then: number): boolean {
  const bounds = seen.groups.flatMap(({ skipAfterMs }) => skipAfterMs ?? []);
  return seen.log.some(({ storedAt }, nth) => {
    const other = subjectSeen.log[nth]?.storedAt ?? storedAt;
    if (other === storedAt) return false;
    const oldest = then - Math.min(storedAt, other) + MARGIN_MS;
    const youngest = then - Math.max(storedAt, other) - MARGIN_MS;
    return [LOG_OPTIONS.retentionMs, ...bounds].some((ms) => youngest <= ms && ms <= oldest);
  });
}
