/**
 * Topics as a program has them, where they are literals in the source: such strings are unique in the
 * engine (internalized), those that were put together at run time are not.
 */
export function literalTopics(count: number, name: (index: number) => string): string[] {
  const keys: Record<string, true> = {};
  for (let index = 0; index < count; index += 1) keys[name(index)] = true;
  return Object.keys(keys);
}
