import type { Verdict } from "./verdict.ts";

/** What came of a scenario. */
export interface Outcome {
  /** Faults that were caused. */
  readonly faults: number;
  readonly verdict?: Verdict;
  /** What went wrong besides the verdict, in sentences. */
  readonly problems: readonly string[];
  /** What there is to say besides the verdict when all went well. */
  readonly notes?: readonly string[];
}

/** What the queue of a run is kept in. */
export const QUEUES = ["files", "nats"] as const;
export type QueueKind = (typeof QUEUES)[number];

/** How a run differs from others; scenarios whose choices no seed decides ignore it. */
export interface RunOptions {
  /** @default another one each time */
  readonly seed?: number | undefined;
  /** Look for all known bugs. @default false */
  readonly all?: boolean | undefined;
  /** Look for these known bugs. */
  readonly bugs?: readonly string[] | undefined;
  /** What the queue is kept in. @default the first one that the scenario knows */
  readonly queue?: QueueKind | undefined;
  /** Do nothing else than this. @default as the seed says */
  readonly faults?: readonly string[] | undefined;
  /** Do nothing, and judge a run whose journals were kept in this folder. */
  readonly journals?: string | undefined;
}

/** A way to torture a queue, for about so many milliseconds. */
export interface Scenario {
  readonly name: string;
  /** What is done, in a few words. */
  readonly title: string;
  /** The kinds of queue it can torture. @default files only */
  readonly queues?: readonly QueueKind[];
  /** Why it can't be done here; `undefined` when it can. */
  readonly hindrance?: (queue: QueueKind) => string | undefined;
  /** Its share of the time. @default 1 */
  readonly weight?: number;
  run(ms: number, options?: RunOptions): Promise<Outcome>;
}

/** One of several, at random. */
export function pick<T>(all: readonly T[]): T | undefined {
  return all[Math.floor(Math.random() * all.length)];
}

/** A number between two others, at random. */
export function between(low: number, high: number): number {
  return low + Math.random() * (high - low);
}
