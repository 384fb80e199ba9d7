/**
 * The log holds JSON of whoever wrote it. That it is what a contract says is agreed between the programs that share
 * the log; no queue can prove it.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- one place for the one cast
export function contracted<T>(value: unknown): T {
  // The cast is safe: see above.
  return value as T;
}
