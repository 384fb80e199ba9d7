import type { Bugs } from "./known-bugs.ts";
import type { Remains, Row } from "./remains.ts";
import { type Entry, type Life, processOf } from "./said.ts";

/** Between the end of a handler and its ack, and between what happens and its entry: at most so long. */
export const SLACK = 1_000_000;
/** How long ago a handler may have lost its lease that still runs, in microseconds. */
const RUNS_ON = 5_000_000;

type Of<Kind extends Entry["kind"]> = Extract<Entry, { readonly kind: Kind }>;

/** How a life of a coordinator ended. */
export type Ending =
  /** Everything was finished. */
  | { readonly how: "clean"; readonly at: number }
  /** Its stop said that something was left. */
  | { readonly how: "cut"; readonly at: number }
  /** `kill -9`. `cursor`: what the group of its node had passed then. */
  | { readonly how: "killed"; readonly at: number; readonly cursor: number };

export interface LifeStory {
  readonly life: Life;
  readonly by: string;
  /** Its node's name; an unnamed one is its own. */
  readonly owner: string;
  readonly isNamed: boolean;
  readonly upAt: number;
  readonly stoppingAt?: number;
  /** `undefined` for one that lives to the end of the run's torture. */
  readonly ending?: Ending;
}

/** One call of a bus subscriber. */
export type Got = Of<"got"> & { readonly end?: number };
/** One call of a work handler. */
export type Working = Of<"begin"> & { readonly end?: number; readonly ok?: boolean };
/** One call that publishes. */
export type Attempt = Of<"attempt"> & {
  readonly done?: Of<"done">;
  readonly failed?: Of<"failed">;
};

export interface JudgeOptions {
  readonly bugs: Bugs;
  readonly isHere?: ((by: string) => boolean) | undefined;
}

interface Outage {
  readonly from: number;
  readonly to: number;
}

/** The journals of a run and what is left in the queue, in the order in which rules ask for it. */
export class Ledger {
  readonly entries: readonly Entry[];
  readonly remains: Remains;
  readonly bugs: Bugs;
  readonly rows: ReadonlyMap<string, Row>;
  readonly rowsOf: ReadonlyMap<string, readonly Row[]>;
  readonly lives: ReadonlyMap<Life, LifeStory>;
  readonly livesHere: readonly LifeStory[];
  readonly gots: readonly Got[];
  readonly workings: readonly Working[];
  readonly attempts: readonly Attempt[];
  readonly attemptsOf: ReadonlyMap<string, readonly Attempt[]>;
  readonly #outages = new Map<string, Outage[]>();

  /** `isHere`: whether a journal is of a process that is on this queue. Others publish to it through a bridge. */
  constructor(
    entries: readonly Entry[],
    remains: Remains,
    { bugs, isHere = () => true }: JudgeOptions,
  ) {
    const here = entries.filter(({ by }) => isHere(by));
    this.entries = entries;
    this.remains = remains;
    this.bugs = bugs;
    this.rows = new Map(remains.rows.map((row) => [row.id, row]));
    this.rowsOf = Map.groupBy(remains.rows, ({ name }) => name);
    this.lives = livesOf(entries);
    this.livesHere = [...this.lives.values()].filter(({ by }) => isHere(by));
    const done = byNumber(only(entries, "done"));
    const failed = byNumber(only(entries, "failed"));
    const letGo = byNumber(only(entries, "let-go"));
    const ended = byNumber(only(entries, "end"));
    this.gots = only(here, "got").map((got) => {
      const end = letGo.get(`${got.by} ${got.n}`);
      return Object.assign(got, end && { end: end.at });
    });
    this.workings = only(here, "begin").map((begin) => {
      const end = ended.get(`${begin.by} ${begin.n}`);
      return Object.assign(begin, end && { end: end.at, ok: end.ok });
    });
    this.attempts = only(entries, "attempt").map((attempt) => {
      const mark = `${attempt.by} ${attempt.n}`;
      const [good, bad] = [done.get(mark), failed.get(mark)];
      return Object.assign(attempt, good && { done: good }, bad && { failed: bad });
    });
    this.attemptsOf = Map.groupBy(this.attempts, ({ name }) => name);
    this.#readOutages();
  }

  only<Kind extends Entry["kind"]>(kind: Kind): Of<Kind>[] {
    return only(this.entries, kind);
  }

  /** The node whose bus it is, or for an unnamed one the life. */
  ownerOf(life: Life): string {
    return this.lives.get(life)?.owner ?? life;
  }

  /**
   * Whether the leases of a process may have run out in this time, or a little later: it was frozen, it kept its own
   * event loop busy, or nobody could write.
   */
  wasInterrupted(by: string, from: number, to: number | undefined): boolean {
    const until = to === undefined ? Number.POSITIVE_INFINITY : to + SLACK;
    return this.#outagesOf(by).some((outage) => outage.from <= until && outage.to >= from);
  }

  /**
   * Whether the server may have forgotten a delivery of then, and what it counted: it was killed soon before or after it was
   * handled, which may be a while after it was given. Then it gives the event once more as if for the first time.
   */
  mayBeForgotten({ at, end = at }: { readonly at: number; readonly end?: number }): boolean {
    return this.only("server-killed").some(
      (kill) => kill.at >= at - RUNS_ON && kill.at <= end + RUNS_ON,
    );
  }

  /** Whether a handler of a process may run on that has lost its lease: a stop doesn't wait for it. */
  mayRunOn(by: string, at: number): boolean {
    return this.wasInterrupted(by, at - RUNS_ON, at);
  }

  /**
   * Whether its process was killed so soon after something that it may not have been stored. The time in which it was frozen
   * or busy, or nobody could write, doesn't count.
   */
  diedSoon({ life, at }: { readonly life: Life; readonly at: number }): boolean {
    const story = this.lives.get(life);
    if (story?.ending?.how !== "killed") return false;
    const end = story.ending.at;
    const lost = this.#outagesOf(story.by).map(({ from, to }) =>
      Math.max(0, Math.min(to, end) - Math.max(from, at)),
    );
    return end - at - lost.reduce((sum, one) => sum + one, 0) < SLACK;
  }

  /** Whether anybody was interrupted for long, started, stopped or killed in this time. */
  wasDisturbed(from: number, to: number): boolean {
    const kinds = new Set(["kill", "killed", "stopping", "down", "up", "refused"]);
    if (this.entries.some(({ kind, at }) => kinds.has(kind) && at >= from && at <= to)) return true;
    const outages = [...this.#outages.values()].flat();
    return outages.some((one) => one.from <= to && one.to >= from && one.to - one.from > SLACK / 2);
  }

  #outagesOf(by: string): Outage[] {
    return [by, processOf(by), "everybody"].flatMap((who) => this.#outages.get(who) ?? []);
  }

  #readOutages(): void {
    const frozen = new Map<string, number>();
    for (const entry of this.entries) {
      const { at } = entry;
      if (entry.kind === "freeze") frozen.set(entry.who, at);
      if (entry.kind === "thaw" || (entry.kind === "kill" && frozen.has(entry.who))) {
        this.#out(entry.who, frozen.get(entry.who) ?? at, at);
        frozen.delete(entry.who);
      }
      if (entry.kind === "stalled") this.#out(entry.by, at - entry.ms * 1000, at);
      if (entry.kind === "blocked") this.#out("everybody", at - entry.ms * 1000, at);
    }
  }

  #out(who: string, from: number, to: number): void {
    this.#outages.set(who, [...(this.#outages.get(who) ?? []), { from, to }]);
  }
}

function only<Kind extends Entry["kind"]>(entries: readonly Entry[], kind: Kind): Of<Kind>[] {
  return entries.filter((entry): entry is Of<Kind> => entry.kind === kind);
}

function byNumber<One extends { readonly by: string; readonly n: number }>(
  entries: readonly One[],
): Map<string, One> {
  return new Map(entries.map((entry) => [`${entry.by} ${entry.n}`, entry]));
}

function livesOf(entries: readonly Entry[]): Map<Life, LifeStory> {
  const lives = new Map<Life, LifeStory>();
  const killedAt = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === "up") {
      const { life, by, node, at } = entry;
      const isNamed = node !== undefined;
      lives.set(life, { life, by, owner: node ?? life, isNamed, upAt: at });
    } else if (entry.kind === "stopping" || entry.kind === "down") {
      const story = lives.get(entry.life);
      if (!story) continue;
      const { at } = entry;
      const isClean = entry.kind === "down" && entry.drained && entry.left === 0;
      const ending = { how: isClean ? ("clean" as const) : ("cut" as const), at };
      lives.set(entry.life, {
        ...story,
        ...(entry.kind === "stopping" ? { stoppingAt: at } : { ending }),
      });
    } else if (isSign(entry) && !lives.has(entry.life)) {
      lives.set(entry.life, storyFrom(entry, lives));
    } else if (entry.kind === "kill") killedAt.set(entry.who, entry.at);
    else if (entry.kind === "killed") {
      const at = killedAt.get(entry.who) ?? entry.at;
      for (const story of lives.values()) {
        if (story.ending || processOf(story.by) !== entry.who) continue;
        const cursor = entry.cursors[story.owner] ?? 0;
        lives.set(story.life, { ...story, ending: { how: "killed", at, cursor } });
      }
    }
  }
  return lives;
}

/** Whether a coordinator does something: handlers begin a little before its start is over. */
function isSign(entry: Entry): entry is Of<"attempt" | "begin" | "got"> {
  return entry.kind === "attempt" || entry.kind === "begin" || entry.kind === "got";
}

/** Of a life whose start may never be over: it has the name that its process had before. */
function storyFrom(
  { life, by, at }: Entry & { readonly life: Life },
  lives: ReadonlyMap<Life, LifeStory>,
): LifeStory {
  const before = [...lives.values()].find((one) => one.by === by && one.isNamed);
  return { life, by, owner: before?.owner ?? life, isNamed: before !== undefined, upAt: at };
}
