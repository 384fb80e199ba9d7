import type { Random } from "../bridge/random.ts";

/**
 * What may be done to those who work on the keys, and to their server. `cluster`: there are three of it, and one or two are
 * killed. `loss`: it loses what it stored last.
 */
export const KEYED_FAULTS = [
  "kill",
  "freeze",
  "restart",
  "server",
  "cut",
  "cluster",
  "loss",
] as const;
export type KeyedFault = (typeof KEYED_FAULTS)[number];

/** Only where they are named: three servers take long to begin, and after a loss the judge forgives more. */
const NAMED_ONLY: ReadonlySet<KeyedFault> = new Set<KeyedFault>(["cluster", "loss"]);

/** How one consumer works. */
export interface ConsumerPlan {
  readonly concurrency: number;
  readonly prefetch?: number;
  readonly style: "consume" | "receive";
  readonly leaseMs: number;
}

/** What a seed decides of a run. */
export interface KeyedPlan {
  readonly faults: readonly KeyedFault[];
  /** Servers, and copies of each stream. */
  readonly copies: 1 | 3;
  /** On the way to the server, for consumers: there is a proxy on it if any. */
  readonly latencyMs: number;
  /** Pause between two faults, at most. */
  readonly pauseMs: number;
  readonly consumers: readonly ConsumerPlan[];
  readonly publishers: number;
  readonly keys: number;
  readonly plainShare: number;
  /** Events a second, of all publishers. */
  readonly perSecond: number;
  readonly maxAttempts: number;
  /** Of the slow handlers, the slowest. */
  readonly slowMs: number;
}

/** `faults`: what is done; @default some of them, as the seed says */
export function keyedPlan(random: Random, faults?: readonly KeyedFault[]): KeyedPlan {
  const keys = random.pick([1, 2, 3, 5, 10, 20, 40]);
  const plainShare = random.pick([0, 0.1, 0.3]);
  const leaseMs = random.between(1_000, 3_000);
  const hasOwnLeases = random.chance(0.3);
  const consumers = Array.from({ length: random.between(2, 5) }, (): ConsumerPlan => {
    const prefetch = random.chance(0.5) ? undefined : random.pick([0, 1, 4]);
    return {
      concurrency: random.pick([1, 1, 2, 4, 8, 16]),
      ...(prefetch !== undefined && { prefetch }),
      style: random.chance(0.8) ? "consume" : "receive",
      leaseMs: hasOwnLeases ? random.between(1_000, 3_000) : leaseMs,
    };
  });
  // Whoever claims by itself doesn't prolong its leases.
  const shortest = Math.min(...consumers.map((consumer) => consumer.leaseMs));
  const some = KEYED_FAULTS.filter((fault) => !NAMED_ONLY.has(fault) && random.chance(0.6));
  const chosen = faults ?? (some.length > 0 ? some : ["restart"]);
  const copies = chosen.includes("cluster") ? 3 : 1;
  return {
    // A proxy, and a store that is put back, are for one server.
    faults: copies === 1 ? chosen : chosen.filter((fault) => fault !== "cut" && fault !== "loss"),
    copies,
    latencyMs: copies === 1 && chosen.includes("cut") ? 20 : 0,
    pauseMs: random.pick([500, 1_500, 3_000]),
    consumers,
    publishers: random.between(1, 2),
    keys,
    plainShare,
    perSecond: Math.min(random.pick([40, 100, 200]), 10 * keys + 20),
    maxAttempts: random.between(4, 6),
    slowMs: random.pick([100, Math.round(shortest * 0.45)]),
  };
}
