import type { KeyedRemains, Row } from "./remains.ts";
import type { Entry, Outcome } from "./said.ts";

/** One handler and one event. */
export interface Run {
  readonly by: string;
  readonly id: string;
  readonly key: string | undefined;
  readonly position: number;
  readonly attempt: number;
  readonly begin: number;
  /** When the handler was about to return. */
  end?: number;
  outcome?: Outcome;
  settledAt?: number;
  /** Whether its settlement was taken; `undefined` when nobody knows. */
  held?: boolean;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** What a member was given before the server lost it may lie there for so long, in microseconds. */
const LATE = 5_000_000;

/** What was said in a run, so that rules can ask. Times are microseconds of the machine's monotonic clock. */
export class KeyedLedger {
  readonly remains: KeyedRemains;
  readonly entries: readonly Entry[];
  /** When the server lost what it had stored last; 0 if it never did. */
  readonly lastLossAt: number;
  /** By when they began; without those of events that the server has lost. */
  readonly runs: readonly Run[];
  readonly runsById: ReadonlyMap<string, readonly Run[]>;
  readonly rows: ReadonlyMap<string, Row>;
  /** Dead letters that nobody made by a failing handler, but the end of a lease. */
  readonly expired: ReadonlySet<string>;
  /** When the server, or the way to it, was away. */
  readonly away: readonly Stretch[];
  /** When an id's dead letter was redriven, and how often; an unsure one counts twice. */
  readonly redrives: ReadonlyMap<
    string,
    readonly { readonly at: number; readonly count: number }[]
  >;
  /** When a member was told that its dead letter is stored, and its event settled. */
  readonly buried: ReadonlyMap<string, readonly number[]>;
  readonly #killed: ReadonlyMap<string, number>;
  readonly #still: ReadonlyMap<string, readonly Stretch[]>;
  readonly #sentAt: ReadonlyMap<string, number>;

  constructor(entries: readonly Entry[], remains: KeyedRemains) {
    this.entries = entries;
    this.remains = remains;
    this.rows = new Map(remains.rows.map((row) => [row.id, row]));
    this.lastLossAt = entries.findLast(({ kind }) => kind === "rewound")?.at ?? 0;
    const isLost = ({ id, begin }: Run): boolean =>
      !this.rows.has(id) && this.lastLossAt > 0 && begin < this.lastLossAt + LATE;
    this.runs = runsOf(entries).filter((run) => !isLost(run));
    this.runsById = Map.groupBy(this.runs, ({ id }) => id);
    const letters = [...entries.flatMap(lettersOf), ...remains.dead];
    this.expired = new Set(
      letters.flatMap(({ id, code }) => (code === "LEASE_EXPIRED" ? [id] : [])),
    );
    this.away = awayOf(entries);
    for (const run of this.runs) forgetLostAnswer(run, this.away);
    this.redrives = redrivesOf(entries);
    const buried = entries.flatMap((entry) => (entry.kind === "buried" ? [entry] : []));
    this.buried = mapValues(
      Map.groupBy(buried, ({ id }) => id),
      (all) => all.map(({ at }) => at),
    );
    this.#killed = new Map(
      entries.flatMap((entry) => (entry.kind === "kill" ? [[entry.who, entry.at] as const] : [])),
    );
    this.#still = stillnessOf(entries);
    this.#sentAt = new Map(
      entries.flatMap((entry) =>
        entry.kind === "attempt" ? [[`${entry.by} ${entry.n}`, entry.at] as const] : [],
      ),
    );
  }

  /** The events of each key, in the order of the log. */
  get keys(): ReadonlyMap<string, readonly Row[]> {
    const keyed = this.remains.rows.filter(({ key }) => key !== undefined);
    const sorted = keyed.toSorted((a, b) => a.position - b.position);
    return Map.groupBy(sorted, ({ key }) => key ?? "");
  }

  /** When somebody was about to send it. */
  sentAt({ from, n }: Row): number {
    return this.#sentAt.get(`${from} ${n}`) ?? 0;
  }

  /** When a handler was surely over: it said so, or its process was killed. */
  over({ by, end }: Run): number {
    return end ?? this.#killed.get(by) ?? Number.POSITIVE_INFINITY;
  }

  wasKilled({ by }: Run): boolean {
    return this.#killed.has(by);
  }

  /** When it may have been settled, since its handler was over and nobody said that it wasn't. */
  maybeSettled(run: Run): number | undefined {
    const { outcome, held, attempt, end } = run;
    const isLast = attempt >= this.remains.maxAttempts;
    const isFinal = outcome === "permanent" || (outcome === "failed" && isLast);
    // Of a failed one, a consumer isn't told whether its dead letter was made.
    const isSettled = isFinal || (outcome === "handled" && held !== false);
    return isSettled ? end : undefined;
  }

  /** Whether its lease may have run out meanwhile: its process stood still, or the server was away. */
  mayHaveLost({ by, begin }: Run, at: number): boolean {
    const all = [...(this.#still.get(by) ?? []), ...this.away];
    return all.some(({ from, to }) => from < at && to > begin);
  }

  /** Whether anybody may have lost anything in between. */
  isTroubled(from: number, to: number): boolean {
    for (const at of this.#killed.values()) if (at > from && at < to) return true;
    const all = [...this.#still.values()].flat().concat(this.away);
    return all.some((stretch) => stretch.from < to && stretch.to > from);
  }

  /** Whether the server was killed in between. */
  isServerKilledIn(from: number, to: number): boolean {
    return this.entries.some(
      ({ kind, at, ...entry }) =>
        kind === "away" && "what" in entry && entry.what === "server" && at > from && at < to,
    );
  }

  /**
   * Whether somebody who begins it, and is told that it is too late, may have been given it before the server lost that it was:
   * then somebody else may have been given it as well.
   */
  mayBeTooLate({ held, begin }: Run): boolean {
    if (held === true) return false;
    return this.entries.some(
      ({ kind, at }) => kind === "rewound" && at > begin - LATE && at < begin,
    );
  }

  /** Whether it was settled before the server lost that it was: whoever settled it knows, and passes over it. */
  wasSettledBeforeLoss(id: string): boolean {
    const runs = this.runsById.get(id) ?? [];
    return runs.some((run) => (this.maybeSettled(run) ?? Infinity) < this.lastLossAt);
  }

  /** How often it may be settled by then: once, and once more for each redrive. */
  roundsOf(id: string, at: number): number {
    const before = (this.redrives.get(id) ?? []).filter((redrive) => redrive.at < at);
    return before.reduce((sum, { count }) => sum + count, 1);
  }
}

function runsOf(entries: readonly Entry[]): Run[] {
  const runs = new Map<string, Run>();
  for (const entry of entries) {
    if (entry.kind === "begin") {
      const { by, run, id, position, key, attempt, at } = entry;
      runs.set(`${by} ${run}`, { by, id, key, position, attempt, begin: at });
    } else if (entry.kind === "end" || entry.kind === "settled") {
      const run = runs.get(`${entry.by} ${entry.run}`);
      if (run === undefined) continue;
      if (entry.kind === "end") {
        run.end = entry.at;
        run.outcome = entry.outcome;
      } else {
        run.settledAt = entry.at;
        if (entry.held !== undefined) run.held = entry.held;
      }
    }
  }
  return [...runs.values()];
}

/** Whether an ack was taken whose answer was lost on the way, nobody knows: it may be told that it was too late for another. */
function forgetLostAnswer(run: Run, away: readonly Stretch[]): void {
  const { end = 0, settledAt = 0, held } = run;
  if (held !== false) return;
  if (away.some(({ from, to }) => from < settledAt && to > end)) delete run.held;
}

function lettersOf(entry: Entry): { readonly id: string; readonly code: string }[] {
  return entry.kind === "buried" || entry.kind === "redriving" ? [entry] : [];
}

function redrivesOf(entries: readonly Entry[]): KeyedLedger["redrives"] {
  const found = new Map<string, { at: number; count: number }[]>();
  for (const entry of entries) {
    if (entry.kind === "redriving") {
      const before = found.get(entry.id) ?? [];
      found.set(entry.id, [...before, { at: entry.at, count: 2 }]);
    } else if (entry.kind === "redriven" && entry.count !== undefined) {
      const last = found.get(entry.id)?.at(-1);
      if (last !== undefined) last.count = entry.count;
    }
  }
  return found;
}

function awayOf(entries: readonly Entry[]): Stretch[] {
  const turns = entries.flatMap((entry) =>
    entry.kind === "away" || entry.kind === "back"
      ? [{ name: entry.what, begins: entry.kind === "away", at: entry.at }]
      : [],
  );
  return stretchesOf(turns).map(({ stretch }) => stretch);
}

/** When each process stood still, or may have. */
function stillnessOf(entries: readonly Entry[]): ReadonlyMap<string, readonly Stretch[]> {
  const frozen = stretchesOf(
    entries.flatMap((entry) =>
      entry.kind === "freeze" || entry.kind === "thaw"
        ? [{ name: entry.who, begins: entry.kind === "freeze", at: entry.at }]
        : [],
    ),
  );
  const stalled = entries.flatMap((entry) => {
    if (entry.kind !== "stalled") return [];
    // It is noticed, and written down, after it.
    const stretch = { from: entry.at - (entry.ms + 100) * 1_000, to: entry.at };
    return [{ name: entry.by, stretch }];
  });
  const byName = Map.groupBy([...frozen, ...stalled], ({ name }) => name);
  return mapValues(byName, (all) => all.map(({ stretch }) => stretch));
}

/** Something that begins, or ends, at a moment. */
interface Turn {
  readonly name: string;
  readonly begins: boolean;
  readonly at: number;
}

function stretchesOf(
  turns: readonly Turn[],
): { readonly name: string; readonly stretch: Stretch }[] {
  const open = new Map<string, number>();
  const found: { name: string; stretch: Stretch }[] = [];
  for (const { name, begins, at } of turns) {
    const from = open.get(name);
    open.delete(name);
    if (begins) open.set(name, at);
    // What was on its way then comes a little later.
    else if (from !== undefined) found.push({ name, stretch: { from, to: at + 1_000_000 } });
  }
  for (const [name, from] of open) {
    found.push({ name, stretch: { from, to: Number.POSITIVE_INFINITY } });
  }
  return found;
}

function mapValues<K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): Map<K, W> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
