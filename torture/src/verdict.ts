import type { Entry } from "./journal.ts";

/** The refusal of a write when the log or its index is not the one that everybody uses. */
const LOG_GONE = "WAL_UNLINKED";

/** An event as the log has it at the end. */
export interface LoggedEvent {
  readonly id: string;
  readonly position: number;
  readonly key: string | undefined;
  readonly payload: { readonly from: string; readonly n: number };
}

/** What is left in the file when everybody has stopped. */
export interface Remains {
  readonly events: readonly LoggedEvent[];
  /** Ids of dead letters. */
  readonly dead: readonly string[];
  /** Events that the group has still to settle. */
  readonly pending: number;
}

/** What the history of a run amounts to. The lists are of event ids; all of them must be empty. */
export interface Verdict {
  readonly published: number;
  readonly acknowledged: number;
  readonly handled: number;
  /** Handled once more than needed: the other side of at least once. */
  readonly redelivered: number;
  /** Refusals by code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly faults: {
    /** Acknowledged, but not in the log, or never worked off though nothing is pending. */
    readonly lost: readonly string[];
    /** Handled, but never sent. */
    readonly phantoms: readonly string[];
    /** Sent once, stored twice. */
    readonly stored_twice: readonly string[];
    /** Settled twice: two consumers were told that the event was theirs. */
    readonly settled_twice: readonly string[];
    /** Begun before an earlier event of its key was settled. */
    readonly disordered: readonly string[];
    /**
     * In the log, but neither settled nor dead, though there was time: nobody worked it off, or whoever began with it
     * was killed, and it did not come again.
     */
    readonly unaccounted: readonly string[];
  };
}

/**
 * Judges a run by what each process said it attempted, got acknowledged and handled, and by what is
 * left. A process that was killed may have done more than it said: what was attempted but not
 * acknowledged may be stored, and what it was about to ack may be settled. So may one whose log was taken away.
 */
export function judge(entries: readonly Entry[], remains: Remains): Verdict {
  const attempts = new Set<string>();
  const sent = new Set<string>();
  const begins = new Map<string, Entry & { kind: "begin" }>();
  /** When they were asked for. */
  const settled = new Map<string, number[]>();
  /** Acks that may have been done though nobody was told so. */
  const acking = new Set<string>();
  const refused: Record<string, number> = {};
  /** How often each was told that the log is gone. */
  const gone = new Map<string, number>();
  const phantoms: string[] = [];
  let deliveries = 0;
  for (const entry of entries) {
    if (entry.kind === "attempt") attempts.add(`${entry.by} ${entry.n}`);
    else if (entry.kind === "sent") sent.add(entry.id);
    else if (entry.kind === "refused") {
      refused[entry.code] = (refused[entry.code] ?? 0) + 1;
      if (entry.code === LOG_GONE) gone.set(entry.by, (gone.get(entry.by) ?? 0) + 1);
    } else if (entry.kind === "acking") acking.add(`${entry.by} ${entry.id}`);
    else if (entry.kind === "begin") {
      deliveries += 1;
      if (!begins.has(entry.id)) begins.set(entry.id, entry);
      if (!attempts.has(`${entry.from} ${entry.n}`)) phantoms.push(entry.id);
    } else if (entry.kind === "settled") {
      // What finds the log gone first may have been committed; nothing is begun after it.
      const isUnsure = !entry.held && gone.get(entry.by) === 1;
      if (!isUnsure) acking.delete(`${entry.by} ${entry.id}`);
      if (entry.held) settled.set(entry.id, [...(settled.get(entry.id) ?? []), entry.asked]);
    }
  }
  const untold = new Set([...acking].map((ack) => ack.split(" ")[1] ?? ""));
  const logged = new Map(remains.events.map((event) => [event.id, event]));
  const dead = new Set(remains.dead);
  const isDone = (id: string): boolean => settled.has(id) || untold.has(id) || dead.has(id);
  const isDrained = remains.pending === 0;
  return {
    published: attempts.size,
    acknowledged: sent.size,
    handled: begins.size,
    redelivered: deliveries - begins.size,
    refused,
    faults: {
      lost: [...sent].filter((id) => !logged.has(id) || (isDrained && !isDone(id))),
      phantoms,
      stored_twice: storedTwice(remains.events),
      settled_twice: [...settled].flatMap(([id, times]) => (times.length > 1 ? [id] : [])),
      disordered: disordered(remains.events, begins, settled),
      unaccounted: [...logged.keys()].filter((id) => !isDone(id)),
    },
  };
}

/** Whether nothing went wrong, and something happened at all. */
export function isSound({ handled, faults }: Verdict): boolean {
  return handled > 0 && Object.values(faults).every((ids) => ids.length === 0);
}

function storedTwice(events: readonly LoggedEvent[]): string[] {
  const seen = new Set<string>();
  return events.flatMap(({ id, payload: { from, n } }) => {
    const name = `${from} ${n}`;
    if (seen.has(name)) return [id];
    seen.add(name);
    return [];
  });
}

function disordered(
  events: readonly LoggedEvent[],
  begins: ReadonlyMap<string, { readonly at: number }>,
  settled: ReadonlyMap<string, readonly number[]>,
): string[] {
  const previous = new Map<string, string>();
  const found: string[] = [];
  for (const { id, key } of events.toSorted((one, other) => one.position - other.position)) {
    if (key === undefined) continue;
    const before = previous.get(key);
    previous.set(key, id);
    const begun = begins.get(id)?.at;
    const end = before === undefined ? undefined : settled.get(before)?.[0];
    // Whoever settled the one before may have been killed before it said so.
    if (before === undefined || begun === undefined) continue;
    const early = end === undefined ? begun < (begins.get(before)?.at ?? 0) : begun < end;
    if (early) found.push(id);
  }
  return found;
}
