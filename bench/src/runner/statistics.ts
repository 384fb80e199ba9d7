/** The middle of some figures, and the 10 % and 90 % quantiles around it. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Quantile with linear interpolation between neighbours.
 *
 * @throws RangeError without values
 */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("A quantile needs at least one value.");
  const sorted = values.toSorted((one, other) => one - other);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}

export function spread(values: readonly number[]): Spread {
  return {
    median: quantile(values, 0.5),
    low: quantile(values, 0.1),
    high: quantile(values, 0.9),
  };
}

/**
 * How fast `candidate` is, relative to `base`, round by round: both saw the same minute of the machine.
 * Times in, speeds out, so more is faster.
 */
export function speedRatios(candidate: readonly number[], base: readonly number[]): number[] {
  if (candidate.length !== base.length) {
    throw new RangeError(`${candidate.length} rounds cannot be compared with ${base.length}.`);
  }
  return candidate.map((time, round) => base[round]! / time);
}

/** The values in random order. */
export function shuffled<T>(values: readonly T[], random: () => number = Math.random): T[] {
  const result = [...values];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
