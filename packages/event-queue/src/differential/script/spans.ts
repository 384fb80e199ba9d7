import fc from "fast-check";
import { DAY, HOUR, is, MINUTE, rarely, SECOND } from "./arbitraries.ts";
import type { Command, ScriptPolicy } from "./script.ts";

/** How long what scripts begin lasts, and how time passes in them. */
export interface Spans {
  /** Of events that are sent for later. */
  readonly delayMs: fc.Arbitrary<number>;
  /** Of a group. */
  readonly leaseMs: fc.Arbitrary<number | undefined>;
  /** Of one claim. */
  readonly ownLeaseMs: fc.Arbitrary<number>;
  /** Of one claim, when it is to run out. */
  readonly shortLeaseMs: number;
  readonly backoff: fc.Arbitrary<ScriptPolicy["backoff"]>;
  readonly nackMs: fc.Arbitrary<number>;
  readonly extendMs: fc.Arbitrary<number>;
  readonly skipAfterMs: fc.Arbitrary<number | undefined>;
  readonly ttlMs: fc.Arbitrary<number>;
  /** How time passes. */
  readonly passing: readonly fc.WeightedArbitrary<Command>[];
  /** Mostly to the end of what the command before began. */
  readonly passEnd: fc.Arbitrary<Command>;
  /** To the end of the window of a dedupe key, if there is enough time for it. */
  readonly passWindow: fc.Arbitrary<Command>;
}

type Pass = Extract<Command, { readonly do: "pass" }>;
type PassTo = Extract<Command, { readonly do: "passTo" }>;

/** What ends a lease, a pause, a delay, a claim, a window, and what is too old then: to the millisecond. */
const ends = is(
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

/** Under a clock that is stepped any time may pass. */
export const STEPPED: Spans = {
  delayMs: is(5 * SECOND, HOUR),
  leaseMs: is(undefined, undefined, SECOND, 2 * HOUR),
  ownLeaseMs: is(500, 3 * HOUR),
  shortLeaseMs: 500,
  backoff: is(undefined, { initialMs: 0, maxMs: 0 }, { initialMs: HOUR, maxMs: 2 * HOUR }),
  nackMs: is(0, 5 * SECOND),
  extendMs: is(1, MINUTE),
  skipAfterMs: rarely(is(10 * MINUTE, 12 * HOUR)),
  ttlMs: is(1, MINUTE),
  passing: [
    {
      weight: 6,
      arbitrary: fc.record<Pass>({
        do: is("pass"),
        ms: fc.oneof(
          { weight: 6, arbitrary: is(1, SECOND, 5 * SECOND, 40 * SECOND, 11 * MINUTE) },
          { weight: 4, arbitrary: is(HOUR, 25 * HOUR, 8 * DAY, -HOUR) },
        ),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record<PassTo>({
        do: is("passTo"),
        back: fc.nat(3),
        after: fc.tuple(ends, is(0, 1, -1)).map(([span, more]) => span + more),
      }),
    },
  ],
  passEnd: fc.record<PassTo>({
    do: is("passTo"),
    back: is(1, 1, 2),
    after: fc
      .tuple(is(SECOND, 5 * SECOND, 30 * SECOND, HOUR, 2 * HOUR), is(0, 0, 1, -1))
      .map(([span, more]) => span + more),
  }),
  passWindow: fc.record<PassTo>({
    do: is("passTo"),
    back: fc.nat(2),
    after: is(10 * MINUTE, 10 * MINUTE + 1, 10 * MINUTE - 1),
  }),
};

/** Long enough for a few commands of a queue on a server. */
const SHORT = 700;
const passShort = fc.record<Pass>({ do: is("pass"), ms: is(SHORT) });

/** Time that really passes: what is short ends in a script, and nothing else does. */
export const REAL: Spans = {
  delayMs: is(SHORT, HOUR),
  leaseMs: is(undefined, undefined, SHORT, 2 * HOUR),
  ownLeaseMs: is(SHORT, 3 * HOUR),
  shortLeaseMs: SHORT,
  backoff: is(
    { initialMs: 0, maxMs: 0 },
    { initialMs: HOUR, maxMs: HOUR },
    { initialMs: SHORT, maxMs: SHORT },
  ),
  nackMs: is(0, SHORT),
  extendMs: is(SHORT, MINUTE),
  skipAfterMs: rarely(is(12 * HOUR)),
  ttlMs: is(SHORT, MINUTE),
  passing: [{ weight: 2, arbitrary: passShort }],
  passEnd: passShort,
  passWindow: fc.record<Pass>({ do: is("pass"), ms: is(1) }),
};
