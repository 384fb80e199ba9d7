/* oxlint-disable typescript/consistent-return -- the compiler knows that the switches leave nothing out */
import type { DeadLetter, DeadLetterFilter } from "../../contract/dead-letters.ts";
import { PermanentError } from "../../failures/errors.ts";
import type { LeasedEvent } from "../../contract/events.ts";
import type { GroupInfo } from "../../contract/groups.ts";
import type { Command, LetterChoice, Reason, Sent } from "../script/script.ts";
import { toOutgoing } from "./sent-events.ts";
import type { Side } from "./side.ts";
import { type Pulled, StreamTap } from "./stream-tap.ts";
import { codeOf } from "./tolerances.ts";

/** A call that was rejected. */
export interface Refusal {
  readonly kind: "refused";
  readonly error: unknown;
}

/** What a command was answered, as the queue gave it. */
export type Answer =
  | { readonly kind: "events"; readonly events: readonly (Pulled | Refusal)[] }
  /** `inOrder`: each call gave its events in position order, and no more than it was asked for. */
  | { readonly kind: "leases"; readonly events: readonly LeasedEvent[]; readonly inOrder: boolean }
  | { readonly kind: "group"; readonly group: GroupInfo }
  | { readonly kind: "letters"; readonly letters: readonly DeadLetter[] }
  | { readonly kind: "plain"; readonly value: unknown }
  | Refusal;

/** What a command doesn't say by itself. */
export interface Performance {
  /** A lease takes all that the group has to give, and not only so much. */
  readonly leaseAll: boolean;
  /** In which order sends at once are to be done, one after the other; all at once without it. */
  readonly order?: readonly number[] | undefined;
  /** How much a stream, or a group whose queue goes by a clock of its own, has to give at least. */
  readonly expected: number;
}

/** How long a queue may take to give what it has to, where its clock can't be set. */
const PATIENCE_MS = 6_000;
const LOOK_AGAIN_MS = 50;
/** How long a claim holds that says nothing about it. */
const CLAIM_MS = 10_000;

/** Does what a command says. A call that is rejected is an answer, too. */
export async function perform(
  side: Side,
  command: Command,
  performance: Performance,
): Promise<Answer> {
  try {
    return await answerTo(command, side, performance);
  } catch (error) {
    return refused(error);
  }
}

async function answerTo(command: Command, side: Side, performance: Performance): Promise<Answer> {
  const { clock } = side;
  switch (command.do) {
    case "send":
      return events([await send(side, command.by, command.event)]);
    case "sendMany": {
      const all = command.events.map((event) => toOutgoing(event, side.log, clock));
      const { badAt } = command;
      if (badAt !== undefined) all.splice(badAt, 0, { type: "A", payload: new Date(0) });
      return events(await side.instance(command.by).sendMany(all));
    }
    case "sendAtOnce": {
      return events(await sendAll(side, command, performance.order));
    }
    case "ensure": {
      const { by, group, otherwise } = command;
      if (otherwise !== true) return info(await side.group(by, group).ensure());
      const policy = { ...side.policyOf(group), maxAttempts: 77 };
      return info(await side.instance(by).group(group, policy).ensure());
    }
    case "lease":
      return lease(command, side, performance);
    case "ack":
      return value(await side.lease(command.lease)?.event.ack());
    case "nack": {
      const { delayMs, reason } = command;
      const held = side.lease(command.lease);
      return value(await held?.event.nack({ delayMs, reason: reasonOf(reason) }));
    }
    case "extend": {
      const held = side.lease(command.lease);
      if (held === undefined) return value(undefined);
      const isDone = await held.event.extend(command.ms);
      return value([isDone, clock.since(held.event.leaseUntil)]);
    }
    case "ackAtOnce": {
      const held = side.leases.slice(-command.leases);
      return value(await Promise.all(held.map(({ event }) => event.ack().catch(codeOf))));
    }
    case "read": {
      const { by, eventTypes, from, limit } = command;
      const options = { eventTypes, limit, from: side.startOf(from) };
      return events(await side.instance(by).receive(options));
    }
    case "history": {
      const { by, eventTypes, since, until, after, limit } = command;
      return events(
        await side.instance(by).history({
          eventTypes,
          since: clock.momentOf(since),
          until: dateOf(clock.momentOf(until)),
          after: after && side.positionOf(after.nth),
          limit,
        }),
      );
    }
    case "stream": {
      const { by, eventTypes, from } = command;
      await side.streams.get(by)?.end();
      const stream = side.instance(by).stream({ eventTypes, from: side.startOf(from) });
      side.streams.set(by, new StreamTap(stream));
      side.hasStreamed.add(by);
      // A server is asked where "now" is: before this, which is asked later.
      if (clock.isReal) await side.instance(by).stats();
      return value("begun");
    }
    case "pull":
      return events((await side.streams.get(command.by)?.pull(performance.expected)) ?? []);
    case "letters": {
      const { deadLetters } = side.instance(command.by);
      return { kind: "letters", letters: await deadLetters.list(filterOf(side, command.which)) };
    }
    case "redrive":
    case "discard": {
      const { deadLetters } = side.instance(command.by);
      return value(await deadLetters[command.do](filterOf(side, command.which)));
    }
    case "seek": {
      const { by, group, from } = command;
      return info(await side.instance(by).groups.seek(group, side.startOf(from) ?? "beginning"));
    }
    case "remove":
      return value(await side.instance(command.by).groups.remove(command.group));
    case "claim": {
      const { by, group, holder, ttlMs = CLAIM_MS } = command;
      const claim = await side.instance(by).groups.claim(group, { holder, ttlMs: command.ttlMs });
      side.claims.push({ claim, ttlMs });
      return value("claimed");
    }
    case "renew":
      return value(await side.claim(command.claim)?.claim.renew());
    case "release":
      return value(await side.claim(command.claim)?.claim.release());
    case "close":
      return value(await side.close(command.by));
    case "reopen":
      return value(await side.reopen(command.by));
    case "restart":
      return value(await side.restart());
    case "pass":
    case "passTo":
      return value("passed");
  }
}

async function sendAll(
  side: Side,
  { by, events: all }: Command & { do: "sendAtOnce" },
  order: readonly number[] | undefined,
): Promise<(Pulled | Refusal)[]> {
  // Which events are brought is decided before any of them is stored.
  const sends = all.map((event) => sender(side, by, event));
  if (order === undefined) return Promise.all(sends.map((one) => one().catch(refused)));
  const sent: (Pulled | Refusal)[] = [];
  for (const nth of order) {
    const one = sends[nth];
    if (one !== undefined) sent[nth] = await one().catch(refused);
  }
  return sent;
}

function sender(side: Side, by: number, event: Sent): () => Promise<Pulled> {
  const { type, payload, ...options } = toOutgoing(event, side.log, side.clock);
  return async () => side.instance(by).send(type, payload, options);
}

async function send(side: Side, by: number, event: Sent): Promise<Pulled> {
  return sender(side, by, event)();
}

/** Takes what is wanted in as many calls as it needs, as long as each of them gives something. */
async function lease(
  { by, group, limit = 100, leaseMs, plain, aborted }: Command & { do: "lease" },
  side: Side,
  { leaseAll, expected }: Performance,
): Promise<Answer> {
  const queue = side.instance(by);
  const member = side.group(by, group);
  const signal = aborted === true ? AbortSignal.abort({ code: "ABORTED" }) : undefined;
  const wanted = leaseAll ? Number.POSITIVE_INFINITY : limit;
  const taken: LeasedEvent[] = [];
  let inOrder = true;
  const deadline = performance.now() + PATIENCE_MS;
  while (taken.length < wanted) {
    const options = { limit: Math.min(limit, wanted - taken.length), leaseMs, signal };
    const events =
      plain === true ? await queue.receive({ group, ...options }) : await member.receive(options);
    inOrder &&= isAscending(events) && events.length <= options.limit;
    taken.push(...events);
    if (events.length > 0) continue;
    const isLate = side.clock.isReal && taken.length < expected;
    if (!isLate || performance.now() > deadline) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  taken.sort((one, other) => one.position - other.position);
  side.leases.push(...taken.map((event) => ({ event, group, at: side.clock.now() })));
  return { kind: "leases", events: taken, inOrder };
}

function isAscending(events: readonly LeasedEvent[]): boolean {
  return events.every(({ position }, nth) => position > (events[nth - 1]?.position ?? 0));
}

/** A filter of dead letters, as a side names its events. */
export function filterOf({ log, clock }: Side, which: LetterChoice): DeadLetterFilter {
  const { nth, since, until, ...rest } = which;
  return {
    ...rest,
    id: nth === undefined ? undefined : (log.nth(nth)?.id ?? "of no event"),
    since: clock.momentOf(since),
    until: dateOf(clock.momentOf(until)),
  };
}

function dateOf(moment: number | undefined): Date | undefined {
  return moment === undefined ? undefined : new Date(moment);
}

function reasonOf(reason: Reason): unknown {
  if (reason === "none") return undefined;
  if (reason === "text") return "it didn't work";
  if (reason === "permanent") return new PermanentError("it never will");
  return Object.assign(new TypeError("it failed", { cause: "a cause" }), { code: "E_FAILED" });
}

function events(all: readonly (Pulled | Refusal)[]): Answer {
  return { kind: "events", events: all };
}

function info(group: GroupInfo): Answer {
  return { kind: "group", group };
}

function value(of: unknown): Answer {
  return { kind: "plain", value: of };
}

function refused(error: unknown): Refusal {
  return { kind: "refused", error };
}
