import type { Machine } from "./machine.ts";
import type { Spread } from "./statistics.ts";

/** How a figure stands to its target: `near` is from 0.8 of it on. */
export type Verdict = "hit" | "near" | "miss";

/** A target and what came of it. */
export interface TargetResult {
  readonly candidate: string;
  readonly base: string;
  readonly atLeast: number;
  /** Speed relative to the base. */
  readonly ratio: Spread;
  /** The same for the least possible loop with the same duties. */
  readonly limit?: Spread;
  readonly verdict: Verdict;
}

export interface TimedResult {
  readonly kind: "time";
  readonly id: string;
  readonly title: string;
  readonly operation: string;
  /** Where they were counted. */
  readonly deliveries?: number;
  readonly rounds: number;
  readonly base: string;
  readonly candidates: readonly {
    readonly name: string;
    /** Nanoseconds an operation. */
    readonly ns: Spread;
    /** Speed relative to the scenario's base. */
    readonly ratio: Spread;
    readonly note?: string;
  }[];
  readonly targets: readonly TargetResult[];
  readonly notes: readonly string[];
}

export interface MemoryResult {
  readonly kind: "memory";
  readonly id: string;
  readonly title: string;
  readonly operation: string;
  readonly operations: number;
  readonly candidates: readonly {
    readonly name: string;
    readonly beforeMib: number;
    readonly afterMib: number;
  }[];
  readonly targets: readonly {
    readonly candidate: string;
    readonly atMostMib: number;
    readonly grownMib: number;
    readonly verdict: Verdict;
  }[];
}

export interface FiguresResult {
  readonly kind: "figures";
  readonly id: string;
  readonly title: string;
  readonly operation: string;
  readonly figures: readonly {
    readonly name: string;
    readonly unit: string;
    readonly value: Spread;
    readonly atMost?: number;
    readonly verdict?: Verdict;
  }[];
}

export type ScenarioResult = TimedResult | MemoryResult | FiguresResult;

/** What a suite's JSON file holds. */
export interface SuiteResult {
  readonly suite: string;
  readonly command: string;
  readonly date: string;
  readonly node: string;
  readonly machine: Machine;
  readonly scenarios: readonly ScenarioResult[];
}

export function verdictOf(share: number): Verdict {
  if (share >= 1) return "hit";
  return share >= 0.8 ? "near" : "miss";
}
