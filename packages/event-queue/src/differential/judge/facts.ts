/* oxlint-disable typescript/consistent-return -- the compiler knows that the switches leave nothing out */
import type { DeadLetter } from "../../contract/dead-letters.ts";
import type { LeasedEvent, StoredEvent } from "../../contract/events.ts";
import type { GroupInfo } from "../../contract/groups.ts";
import type { Answer } from "../play/perform.ts";
import type { Counts, Observation, Side } from "../play/side.ts";
import {
  codeOf,
  cursorFact,
  errorFact,
  failureFact,
  inOpenOrder,
  leaseUntilFact,
  storedAtFact,
} from "../play/tolerances.ts";

/** What an answer comes to, in terms that mean the same on both sides. Made after the log was looked at. */
export function answerFacts(side: Side, answer: Answer, seen: Observation): unknown {
  switch (answer.kind) {
    case "events":
      return answer.events.map((event) => {
        if (event === "end") return event;
        return "error" in event ? refusalFact(event) : eventFacts(side, event);
      });
    case "leases":
      return {
        leased: answer.events.map((event) => leaseFacts(side, event)),
        inOrder: answer.inOrder,
      };
    case "group":
      return groupAnswerFacts(side, groupFacts(answer.group, seen));
    case "letters":
      return inOpenOrder(answer.letters, side.clock).map((letter) => letterFacts(side, letter));
    case "plain":
      return plain(answer.value);
    case "refused":
      return refusalFact(answer);
  }
}

function refusalFact({ error }: { readonly error: unknown }): unknown {
  return { refused: codeOf(error) };
}

/** All that can be seen from outside. */
export function stateFacts(side: Side, seen: Observation): Record<string, unknown> {
  const { events, oldestPosition, newestPosition, delayed, groups, deadLetters } = seen.stats;
  return {
    log: seen.log.map((event) => eventFacts(side, event)),
    groups: seen.groups.map((group) => groupFacts(group, seen)),
    letters: inOpenOrder(seen.letters, side.clock).map((letter) => letterFacts(side, letter)),
    stats: {
      events,
      oldest: side.log.ordinalOf(oldestPosition ?? 0),
      newest: side.log.ordinalOf(newestPosition ?? 0),
      delayed,
      groups,
      deadLetters,
    },
  };
}

/** What the instances have counted; which of them sweeps is open, and so only the sum of what was dropped is told. */
export function countFacts(side: Side, { instances, dropped }: Counts): Record<string, unknown> {
  return {
    instances: instances.map((count, by) => {
      if (count === undefined) return null;
      const { sent, duplicates, received } = count;
      // A stream reads ahead, as much as it likes.
      return { sent, duplicates, received: side.hasStreamed.has(by) ? "any" : received };
    }),
    dropped,
  };
}

function eventFacts(side: Side, event: StoredEvent): Record<string, unknown> {
  const { id, position, storedAt: _, time, dueAt, correlationId, causationId, ...rest } = event;
  const { log, clock } = side;
  return plain({
    id: log.nameOf(id),
    position: log.ordinalOf(position),
    ...rest,
    correlationId: correlationId === id ? "its own" : correlationId,
    causationId,
    storedAt: storedAtFact(log, clock, event),
    time: clock.since(time),
    dueAt: dueAt === undefined ? undefined : clock.since(dueAt),
  }) as Record<string, unknown>;
}

function leaseFacts(side: Side, event: LeasedEvent): unknown {
  return { ...eventFacts(side, event), leaseUntil: leaseUntilFact(side.clock, event) };
}

function groupFacts(group: GroupInfo, seen: Observation): Record<string, unknown> {
  const { cursor: _, lastServedAt: __, ...rest } = group;
  return plain({ ...rest, above: cursorFact(group, seen.log) }) as Record<string, unknown>;
}

/**
 * A queue on a server may show who has an event a moment later, and an answer can't be asked for again: there it is compared
 * when everything is looked at.
 */
function groupAnswerFacts({ clock }: Side, facts: Record<string, unknown>): unknown {
  if (!clock.isReal) return facts;
  const { inFlight: _, retrying: __, ...rest } = facts;
  return rest;
}

function letterFacts(side: Side, letter: DeadLetter): unknown {
  const { log, clock } = side;
  return plain({
    ...letter,
    id: log.nameOf(letter.id),
    position: log.ordinalOf(letter.position),
    error: errorFact(letter.error),
    history: letter.history.map(({ attempt, time, message }) => ({
      attempt,
      time: clock.since(time),
      message: failureFact(message),
    })),
    time: clock.since(letter.time),
  });
}

/** Whether a field is left out or `undefined` is all the same. */
function plain(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
