/* oxlint-disable oxc/no-map-spread -- these are maps of arbitraries, not of arrays */
import fc from "fast-check";
import { is, maybe, rarely } from "./arbitraries.ts";
import { by, group, letters, limit, nth, policy, sent, start, types } from "./choices.ts";
import type { Command, Reason, Script, Start } from "./script.ts";
import { type Spans, STEPPED } from "./spans.ts";

type Do<T extends Command["do"]> = Extract<Command, { readonly do: T }>;

const send = (spans: Spans): fc.Arbitrary<Do<"send">> =>
  fc.record<Do<"send">>({ do: is("send"), by, event: sent(spans) });
const lease = ({ ownLeaseMs }: Spans): fc.Arbitrary<Do<"lease">> =>
  fc.record<Do<"lease">>({
    do: is("lease"),
    by,
    group,
    limit: maybe(limit),
    leaseMs: rarely(ownLeaseMs),
    plain: rarely(is(true)),
    aborted: rarely(rarely(is(true))),
  });
const nack = ({ nackMs }: Spans): fc.Arbitrary<Do<"nack">> =>
  fc.record<Do<"nack">>({
    do: is("nack"),
    lease: fc.nat(5),
    delayMs: maybe(nackMs),
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
const claim = ({ ttlMs }: Spans): fc.Arbitrary<Do<"claim">> =>
  fc.record<Do<"claim">>({
    do: is("claim"),
    by,
    group,
    holder: is("x", "y"),
    ttlMs: maybe(ttlMs),
  });
const sending = (spans: Spans): fc.WeightedArbitrary<Command>[] => [
  { weight: 20, arbitrary: send(spans) },
  {
    weight: 4,
    arbitrary: fc.record<Do<"sendMany">>({
      do: is("sendMany"),
      by,
      events: fc.array(sent(spans), { maxLength: 4 }),
      badAt: rarely(fc.nat(3)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record<Do<"sendAtOnce">>({
      do: is("sendAtOnce"),
      by,
      events: fc.array(sent(spans), { minLength: 2, maxLength: 4 }),
    }),
  },
];

const leasing = (spans: Spans): fc.WeightedArbitrary<Command>[] => [
  { weight: 16, arbitrary: lease(spans) },
  { weight: 9, arbitrary: nack(spans) },
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
    arbitrary: fc.record<Do<"extend">>({ do: is("extend"), lease: fc.nat(5), ms: spans.extendMs }),
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

const administering = (spans: Spans): fc.WeightedArbitrary<Command>[] => [
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
  { weight: 2, arbitrary: claim(spans) },
  { weight: 1, arbitrary: fc.record<Do<"renew">>({ do: is("renew"), claim: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record<Do<"release">>({ do: is("release"), claim: fc.nat(2) }) },
];

const living = ({ passing }: Spans): fc.WeightedArbitrary<Command>[] => [
  ...passing,
  { weight: 3, arbitrary: fc.record<Do<"reopen">>({ do: is("reopen"), by }) },
  { weight: 1, arbitrary: fc.record<Do<"close">>({ do: is("close"), by }) },
  { weight: 1, arbitrary: fc.record<Do<"restart">>({ do: is("restart") }) },
];

// Those of the group have to be of one, or nothing comes of them.
const leaseOfOne = (spans: Spans): fc.Arbitrary<Command> =>
  lease(spans).map((command) => ({ ...command, group: "one" as const }));
/** With a lease that has run out when time has passed. */
const leaseShortly = (spans: Spans): fc.Arbitrary<Command> =>
  leaseOfOne(spans).map((command) => ({ ...command, leaseMs: spans.shortLeaseMs }));
const comeLate = (spans: Spans): fc.Arbitrary<Command> =>
  fc.oneof(
    nack(spans).map((command) => ({ ...command, lease: 0 })),
    fc.record<Do<"ack">>({ do: is("ack"), lease: is(0) }),
    fc.record<Do<"extend">>({ do: is("extend"), lease: is(0), ms: spans.extendMs }),
  );
const rewindOne = fc.record<Do<"seek">>({
  do: is("seek"),
  by,
  group: is("one"),
  from: is<Start>("beginning", "now"),
});
const bury = (spans: Spans): fc.Arbitrary<Command> =>
  nack(spans).map((command) => ({ ...command, reason: "permanent" as const }));
const sendAgain = (spans: Spans): fc.Arbitrary<Command> =>
  send(spans).map((command) => ({
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

/** Some that have to do with one another. */
function turns(spans: Spans): fc.Arbitrary<Command[]>[] {
  const [one, dying, sending] = [leaseOfOne(spans), bury(spans), send(spans)];
  const again = sendAgain(spans);
  return [
    inTurn(sending, one, dying),
    inTurn(dying, redrive, one),
    inTurn(dying, rewindOne, redrive, one),
    inTurn(rewindOne, one),
    inTurn(sending, one, spans.passEnd, one),
    inTurn(nack(spans), spans.passEnd, one),
    inTurn(sending, leaseShortly(spans), spans.passEnd, comeLate(spans), one),
    inTurn(leaseShortly(spans), spans.passEnd, one, comeLate(spans)),
    inTurn(again, spans.passWindow, again),
    inTurn(streamOfFirst, sending, pullOfFirst, sending, pullOfFirst),
  ];
}

/** Scripts of about so many commands at most, which shrink to few and simple ones. */
export function scripts(mostCommands: number, spans: Spans = STEPPED): fc.Arbitrary<Script> {
  const one = fc.oneof(
    ...sending(spans),
    ...leasing(spans),
    ...reading,
    ...administering(spans),
    ...living(spans),
  );
  const commands = fc.array(
    fc.oneof(
      { weight: 14, arbitrary: one.map((command) => [command]) },
      ...turns(spans).map((arbitrary) => ({ weight: 1, arbitrary })),
    ),
    { maxLength: mostCommands, size: "max" },
  );
  const anyPolicy = policy(spans);
  return fc.noBias(
    fc.record({
      groups: fc.record({ one: anyPolicy, two: anyPolicy, typed: anyPolicy }),
      commands: commands.map((all) => all.flat()),
    }),
  );
}
