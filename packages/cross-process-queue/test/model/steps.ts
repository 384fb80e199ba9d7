import fc from "fast-check";

/** `some` begins without "B"; its members want different types. */
export type GroupName = "all" | "some";
/** "K" has a key. */
export type TypeName = "A" | "B" | "K";

/** One thing that a member does with the queue; numbers choose among what it has leased. */
export type Deed =
  | {
      readonly do: "send";
      readonly type: TypeName;
      readonly dedupeKey?: string | undefined;
      readonly delayMs?: number | undefined;
    }
  | {
      readonly do: "receive";
      readonly group: GroupName;
      /** What a member of "some" has handlers for. @default what the group wants */
      readonly types?: readonly TypeName[] | undefined;
    }
  | { readonly do: "ack" | "bury"; readonly nth: number }
  | { readonly do: "nack"; readonly nth: number; readonly delayMs: number }
  | { readonly do: "extend"; readonly nth: number; readonly ms: number }
  | { readonly do: "ack-all" }
  | { readonly do: "redrive"; readonly limit: number }
  | { readonly do: "discard"; readonly limit: number }
  | { readonly do: "seek"; readonly group: GroupName; readonly position: number }
  | { readonly do: "remove"; readonly group: GroupName };

/** One step of a script: a deed of one of two members, the end of one, or what becomes of the time. */
export type Step =
  | (Deed & { readonly by: number })
  /** The member ends as by `kill -9`, with its leases; another takes its place. */
  | { readonly do: "crash"; readonly by: number }
  /** It ends so in the middle of a deed, so many microseconds after it was asked for it. */
  | { readonly do: "cut"; readonly by: number; readonly deed: Deed; readonly afterMicros: number }
  /** It closes the queue and opens it again. */
  | { readonly do: "reopen"; readonly by: number }
  /** Time passes. */
  | { readonly do: "pass"; readonly ms: number }
  /** Somebody sets the clock. */
  | { readonly do: "set-clock"; readonly hours: number };

const SECOND = 1000;

// Few names, so that deeds have to do with one another.
const group = fc.constantFrom<GroupName>("all", "all", "some");
const nth = fc.nat(4);
const limit = fc.integer({ min: 1, max: 3 });
const is = <const T extends string>(...names: T[]): fc.Arbitrary<T> => fc.constantFrom(...names);

/** What happens in one commit: it is done whole, or not at all. */
const written: fc.WeightedArbitrary<Deed>[] = [
  {
    weight: 6,
    arbitrary: fc.record({
      do: is("send"),
      type: is("A", "B", "K", "K"),
      dedupeKey: fc.constantFrom(undefined, undefined, undefined, "d"),
      delayMs: fc.constantFrom<(number | undefined)[]>(...Array(7).fill(undefined), 5 * SECOND),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: is("ack", "bury"), nth }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: is("nack"), nth, delayMs: fc.constantFrom(0, 5 * SECOND) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: is("extend"), nth, ms: fc.constantFrom(1 * SECOND, 120 * SECOND) }),
  },
  { weight: 2, arbitrary: fc.record({ do: is("ack-all") }) },
  { weight: 1, arbitrary: fc.record({ do: is("redrive", "discard"), limit }) },
  { weight: 1, arbitrary: fc.record({ do: is("remove"), group }) },
];

const deed = fc.oneof<fc.WeightedArbitrary<Deed>[]>(
  ...written,
  { weight: 4, arbitrary: fc.record({ do: is("receive"), group }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: is("receive"),
      group: is("some"),
      types: fc.constantFrom<(readonly TypeName[])[]>(["A"], ["K"], ["A", "B"], ["B", "K"]),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: is("seek"), group, position: fc.nat(8) }) },
);

const by = fc.nat(1);

/**
 * Which scripts to play: others in each run, and more of them with `MODEL_RUNS=5000`, for a long pass. A failure names the
 * seed and the path that play its script again, with `MODEL_SEED=7 MODEL_PATH=3:0:1`.
 */
export function choice(count: number): fc.Parameters<[unknown]> {
  const { MODEL_RUNS, MODEL_SEED, MODEL_PATH } = process.env;
  return {
    numRuns: Number(MODEL_RUNS ?? count),
    ...(MODEL_SEED !== undefined && { seed: Number(MODEL_SEED) }),
    ...(MODEL_PATH !== undefined && { path: MODEL_PATH, endOnFailure: true }),
  };
}

/** Scripts that shrink to few and simple steps. */
export const scripts: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof<fc.WeightedArbitrary<Step>[]>(
    {
      weight: 24,
      arbitrary: fc.tuple(deed, by).map(([what, who]) => Object.assign({ by: who }, what)),
    },
    { weight: 1, arbitrary: fc.record({ do: is("crash"), by }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: is("cut"),
        by,
        deed: fc.oneof(...written),
        afterMicros: fc.nat(2_000),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: is("reopen"), by }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: is("pass"),
        ms: fc.constantFrom(1, 1 * SECOND, 5 * SECOND, 40 * SECOND, 700 * SECOND),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: is("set-clock"), hours: fc.constantFrom(-2, 2) }) },
  ),
  { maxLength: 40, size: "max" },
);

/** A step as a line of a trace. */
export function show(step: Step): string {
  const { do: what, ...how } = step;
  const details = Object.entries(how).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${JSON.stringify(value)}`],
  );
  return [what, ...details].join(", ");
}
