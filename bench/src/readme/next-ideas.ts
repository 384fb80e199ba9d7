/**
 * For each target that the last run missed: what to try next. Keyed by scenario and base. Remove an entry
 * when its target is met; the README can't be written while a missed target has none.
 */
export const NEXT_IDEAS: ReadonlyMap<string, string> = new Map([
  [
    "publish-10/eventemitter3",
    "One change counter per route, compared once per publish, in place of asking each handler whether it was unsubscribed.",
  ],
  [
    "topics-100/eventemitter3",
    "A publisher bound to its topic (`bus.publisher(topic)`): it keeps the route and saves the lookup, a sixth of the time.",
  ],
  [
    "awaited-async-10/raw Promise.all",
    "One failure function per publish that finds its handler by index, in place of one per handler.",
  ],
  [
    "awaited-sync-10/raw Promise.all",
    "Enter `AsyncLocalStorage` only for handlers that have returned a promise before, as `publishSync` does. Needs a decision.",
  ],
  [
    "send-many-100-power-loss/raw inserts",
    "The same sync thread as for a single send: a batch waits for one sync, too.",
  ],
  [
    "send-1000-at-once-power-loss/raw inserts",
    "Commit a large turn in two halves, so that the first one syncs while the second one is inserted.",
  ],
  [
    "send-1-power-loss/raw inserts",
    "A sync thread of our own, woken by `Atomics.notify`, in place of a hop through libuv's pool for each sync.",
  ],
  [
    "pipeline-100/Redis Streams, everysec",
    "Profile the consumer's half alone: parse payloads on first access, not at the claim.",
  ],
  [
    "pipeline-100/plainjob",
    "The same as against Redis; the target is within the spread of this run.",
  ],
  [
    "pipeline-1/Redis Streams, everysec",
    "None within one commit per send: bare inserts reach 3 × and no more. Lower the target, or measure sends that overlap.",
  ],
]);

/** The idea for a missed target. @throws Error when there is none */
export function nextIdea(scenario: string, base: string): string {
  const idea = NEXT_IDEAS.get(`${scenario}/${base}`);
  if (idea === undefined) {
    throw new Error(
      `"${scenario}" missed its target against "${base}" and has no next idea. Add one to bench/src/readme/next-ideas.ts.`,
    );
  }
  return idea;
}
