import fc from "fast-check";

export const SECOND = 1_000;
export const MINUTE: number = 60 * SECOND;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;

/** One of a few values. */
export function is<const T>(...values: readonly T[]): fc.Arbitrary<T> {
  return fc.constantFrom(...values);
}

/** Left out as a rule. */
export function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return leftOut(2, arbitrary);
}

/** Left out nearly always. */
export function rarely<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return leftOut(9, arbitrary);
}

/** So many times as often as it is there. Shrinks to being left out. */
export function leftOut<T>(
  weight: number,
  arbitrary: fc.Arbitrary<T>,
): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight, arbitrary: is(undefined) },
    { weight: 1, arbitrary },
  );
}
