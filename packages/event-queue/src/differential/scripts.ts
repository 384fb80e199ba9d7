/* oxlint-disable oxc/no-map-spread -- these are maps of arbitraries, not of arrays */
import fc from "fast-check";
import {
  by,
  DAY,
  group,
  HOUR,
  is,
  letters,
  limit,
  maybe,
  MINUTE,
  nth,
  policy,
  rarely,
  SECOND,
  sent,
  start,
  types,
} from "./choices.ts";
import type { Command, Reason, Script, Start } from "./script.ts";

type Do<T extends Command["do"]> = Extract<Command, { readonly do: T }>;

const send = fc.record<Do<"send">>({ do: is("send"), by, event: sent });
const lease = fc.record<Do<"lease">>({
  do: is("lease"),
  by,
  group,
  limit: maybe(limit),
  leaseMs: rarely(is(500, 3 * HOUR)),
  plain: rarely(is(true)),
  aborted: rarely(rarely(is(true))),
});
const nack = fc.record<Do<"nack">>({
  do: is("nack"),
  lease: fc.nat(5),
  delayMs: maybe(is(0, 5 * SECOND)),
  reason: is<Reason>("none", "text", "error", "permanent", "permanent"),
});
const stream = fc.record<Do<"stream">>({
  do: is("stream"),
  by,
  eventTypes: maybe(types),
  from: maybe(start),
});
const pull = fc.record<Do<"pull">>({ do: is("pull"), by });
const redrive = fc.record<Do<"redrive">>({ do: is("redrive"), by, which: letters });
const claim = fc.record<Do<"claim">>({
  do: is("claim"),
  by,
  group,
  holder: is("x", "y"),
  ttlMs: maybe(is(1, MINUTE)),
});
const pass = fc.record<Do<"pass">>({
  do: is("pass"),
  ms: fc.oneof(
    { weight: 6, arbitrary: is(1, SECOND, 5 * SECOND, 40 * SECOND, 11 * MINUTE) },
    { weight: 4, arbitrary: is(HOUR, 25 * HOUR, 8 * DAY, -HOUR) },
  ),
});

/** What ends a lease, a pause, a delay, a claim, a window, and what is too old then: to the millisecond. */
const spans = is(
  SECOND,
  5 * SECOND,
  30 * SECOND,
  MINUTE,
  10 * MINUTE,
  HOUR,
  2 * HOUR,
  12 * HOUR,
  DAY,
);
const passTo = fc.record<Do<"passTo">>({
  do: is("passTo"),
  back: fc.nat(3),
  after: fc.tuple(spans, is(0, 1, -1)).map(([span, more]) => span + more),
});

const sending: fc.WeightedArbitrary<Command>[] = [
  { weight: 20, arbitrary: send },
  {
    weight: 4,
    arbitrary: fc.record<Do<"sendMany">>({
      do: is("sendMany"),
      by,
      events: fc.array(sent, { maxLength: 4 }),
      badAt: rarely(fc.nat(3)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record<Do<"sendAtOnce">>({
      do: is("sendAtOnce"),
      by,
      events: fc.array(sent, { minLength: 2, maxLength: 4 }),
    }),
  },
];

const leasing: fc.WeightedArbitrary<Command>[] = [
  { weight: 16, arbitrary: lease },
  { weight: 9, arbitrary: nack },
  { weight: 8, arbitrary: fc.record<Do<"ack">>({ do: is("ack"), lease: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record<Do<"ackAtOnce">>({
      do: is("ackAtOnce"),
      leases: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record<Do<"extend">>({ do: is("extend"), lease: fc.nat(5), ms: is(1, MINUTE) }),
  },
];

const reading: fc.WeightedArbitrary<Command>[] = [
  {
    weight: 5,
    arbitrary: fc.record<Do<"read">>({
      do: is("read"),
      by,
      eventTypes: maybe(types),
      from: maybe(start),
      limit: maybe(limit),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record<Do<"history">>({
      do: is("history"),
      by,
      eventTypes: maybe(types),
      since: maybe(nth),
      until: maybe(nth),
      after: maybe(fc.record({ nth })),
      limit: maybe(limit),
    }),
  },
  { weight: 1, arbitrary: stream },
  { weight: 2, arbitrary: pull },
];

const administering: fc.WeightedArbitrary<Command>[] = [
  {
    weight: 2,
    arbitrary: fc.record<Do<"ensure">>({
      do: is("ensure"),
      by,
      group,
      otherwise: rarely(is(true)),
    }),
  },
  { weight: 2, arbitrary: redrive },
  {
    weight: 1,
    arbitrary: fc.record<Do<"letters">>({ do: is("letters"), by, which: letters }),
  },
  { weight: 1, arbitrary: fc.record<Do<"discard">>({ do: is("discard"), by, which: letters }) },
  { weight: 2, arbitrary: fc.record<Do<"seek">>({ do: is("seek"), by, group, from: start }) },
  { weight: 1, arbitrary: fc.record<Do<"remove">>({ do: is("remove"), by, group }) },
  { weight: 2, arbitrary: claim },
  { weight: 1, arbitrary: fc.record<Do<"renew">>({ do: is("renew"), claim: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record<Do<"release">>({ do: is("release"), claim: fc.nat(2) }) },
];

const living: fc.WeightedArbitrary<Command>[] = [
  { weight: 6, arbitrary: pass },
  { weight: 4, arbitrary: passTo },
  { weight: 3, arbitrary: fc.record<Do<"reopen">>({ do: is("reopen"), by }) },
  { weight: 1, arbitrary: fc.record<Do<"close">>({ do: is("close"), by }) },
  { weight: 1, arbitrary: fc.record<Do<"restart">>({ do: is("restart") }) },
];

// Those of the group have to be of one, or nothing comes of them.
const leaseOfOne = lease.map((command) => ({ ...command, group: "one" as const }));
const rewindOne = fc.record<Do<"seek">>({
  do: is("seek"),
  by,
  group: is("one"),
  from: is<Start>("beginning", "now"),
});
const bury = nack.map((command) => ({ ...command, reason: "permanent" as const }));
/** Mostly to the end of what the command before began. */
const passEnd = fc.record<Do<"passTo">>({
  do: is("passTo"),
  back: is(1, 1, 2),
  after: fc
    .tuple(is(SECOND, 5 * SECOND, 30 * SECOND, HOUR, 2 * HOUR), is(0, 0, 1, -1))
    .map(([span, more]) => span + more),
});
const passWindow = fc.record<Do<"passTo">>({
  do: is("passTo"),
  back: fc.nat(2),
  after: is(10 * MINUTE, 10 * MINUTE + 1, 10 * MINUTE - 1),
});
const sendAgain = send.map((command) => ({
  ...command,
  event: { ...command.event, type: "A" as const, dedupeKey: "d" },
}));
const streamOfFirst = stream.map((command) => ({ ...command, by: 0 }));
const pullOfFirst = pull.map((command) => ({ ...command, by: 0 }));

/** Commands that have to follow one another, so that something comes of them. They shrink to any of them. */
function inTurn(...commands: readonly fc.Arbitrary<Command>[]): fc.Arbitrary<Command[]> {
  return fc
    .tuple(...commands.map((one) => fc.option(one, { nil: undefined, freq: 20 })))
    .map((all) => all.filter((one) => one !== undefined));
}

/** Scripts of about so many commands at most, which shrink to few and simple ones. */
export function scripts(mostCommands: number): fc.Arbitrary<Script> {
  const one = fc.oneof(...sending, ...leasing, ...reading, ...administering, ...living);
  const commands = fc.array(
    fc.oneof(
      { weight: 14, arbitrary: one.map((command) => [command]) },
      { weight: 1, arbitrary: inTurn(send, leaseOfOne, bury) },
      { weight: 1, arbitrary: inTurn(bury, redrive, leaseOfOne) },
      { weight: 1, arbitrary: inTurn(bury, rewindOne, redrive, leaseOfOne) },
      { weight: 1, arbitrary: inTurn(rewindOne, leaseOfOne) },
      { weight: 1, arbitrary: inTurn(send, leaseOfOne, passEnd, leaseOfOne) },
      { weight: 1, arbitrary: inTurn(nack, passEnd, leaseOfOne) },
      { weight: 1, arbitrary: inTurn(sendAgain, passWindow, sendAgain) },
      { weight: 1, arbitrary: inTurn(streamOfFirst, send, pullOfFirst, send, pullOfFirst) },
    ),
    { maxLength: mostCommands, size: "max" },
  );
  return fc.noBias(
    fc.record({
      groups: fc.record({ one: policy, two: policy, typed: policy }),
      commands: commands.map((all) => all.flat()),
    }),
  );
}
