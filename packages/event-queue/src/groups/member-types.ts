/**
 * For backends: the types that all others have stated, if a member that joins them has none of these, and so nothing
 * in common with anybody. `undefined` otherwise.
 */
export function typesOfStrangers(
  mine: readonly string[] | undefined,
  others: readonly (readonly string[] | undefined)[],
): readonly string[] | undefined {
  if (mine === undefined || others.length === 0) return undefined;
  const theirs = new Set<string>();
  for (const types of others) {
    if (types === undefined || types.some((type) => mine.includes(type))) return undefined;
    for (const type of types) theirs.add(type);
  }
  return [...theirs].toSorted();
}
