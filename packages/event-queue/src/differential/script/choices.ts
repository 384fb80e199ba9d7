import fc from "fast-check";
import { DAY, is, leftOut, maybe, rarely } from "./arbitraries.ts";
import {
  type Bridged,
  type GroupName,
  INSTANCES,
  type LetterChoice,
  type ScriptPolicy,
  type Sent,
  type Start,
  type TypeName,
} from "./script.ts";
import type { Spans } from "./spans.ts";

// Few names, so that commands have to do with one another.
export const by: fc.Arbitrary<number> = is(...Array(INSTANCES).keys(), 0);
const type: fc.Arbitrary<TypeName> = is("A", "B", "C");
export const types: fc.Arbitrary<TypeName[]> = fc.uniqueArray(type, { minLength: 1, maxLength: 2 });
export const group: fc.Arbitrary<GroupName> = is("one", "one", "one", "two", "typed");
export const limit: fc.Arbitrary<number> = fc.integer({ min: 1, max: 4 });
/** Events and moments that there are in a script, more or less. */
export const nth: fc.Arbitrary<number> = fc.nat(11);

export const start: fc.Arbitrary<Start> = fc.oneof(
  is<Start>("beginning", "now", "end"),
  fc.record({ nth }),
  fc.record({ moment: nth }),
);

const bridged: fc.Arbitrary<Bridged> = fc.oneof(
  fc.record({ copyOf: nth }),
  fc.record({ foreign: fc.nat(2) }),
  fc.record({ copyOf: nth, other: is("type" as const, "payload" as const) }),
);

const payload = fc.oneof(
  { withCrossShrink: true },
  { weight: 6, arbitrary: fc.nat(9) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }) },
);
const headers = fc.dictionary(is("h", "x-trace", "ü"), fc.string({ maxLength: 5 }), { maxKeys: 2 });

export const sent = ({ delayMs }: Spans): fc.Arbitrary<Sent> =>
  fc.record({
    type,
    payload,
    key: is(undefined, undefined, "k", "l"),
    dedupeKey: rarely(is("d", "e")),
    headers: rarely(headers),
    delayMs: leftOut(5, delayMs),
    source: rarely(is("trainer", "")),
    lineage: rarely(bridged),
  });

export const letters: fc.Arbitrary<LetterChoice> = fc.record({
  nth: rarely(nth),
  group: maybe(group),
  type: rarely(type),
  since: rarely(nth),
  until: rarely(nth),
  limit: maybe(limit),
  dryRun: rarely(fc.boolean()),
});

export const policy = ({ backoff, leaseMs, skipAfterMs }: Spans): fc.Arbitrary<ScriptPolicy> =>
  fc.record({
    from: rarely(start),
    maxAttempts: is(undefined, 1, 2, 2),
    backoff,
    leaseMs,
    skipAfterMs,
    expireAfterMs: rarely(is(3 * DAY)),
  });
