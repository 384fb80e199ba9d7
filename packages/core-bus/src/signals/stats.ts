import type { DropReason } from "./delivery-result.ts";
import type { RouteStats } from "../router/router.ts";

/** Figures of a bus since it began. */
export interface BusStats {
  readonly published: number;
  /** Handler calls that succeeded. */
  readonly delivered: number;
  /** Handler calls that failed. */
  readonly failed: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Events refused because of their payload, by the schemas; they are in no other figure. */
  readonly invalid: number;
  /** By what they were made with. */
  readonly subscriptions: {
    readonly topics: number;
    readonly patterns: number;
    readonly regexps: number;
    readonly all: number;
  };
  readonly history: { readonly size: number; readonly capacity: number };
  /** The cache of compiled routes. */
  readonly routes: RouteStats;
  /** Deliveries running now. */
  readonly pending: number;
}

/** One subscription, for people. */
export interface SubscriptionSnapshot {
  readonly topic: string;
  readonly name: string;
  readonly priority: number;
  readonly once: boolean;
  readonly owned: boolean;
  readonly catchingUp: boolean;
}

/** A topic or pattern that somebody listens to. */
export interface TopicSnapshot {
  readonly topic: string;
  readonly subscriptions: number;
}

/** A bus as plain data, for people: its state, its figures, and who listens. */
export interface BusSnapshot {
  readonly id: string;
  readonly closed: boolean;
  readonly stats: BusStats;
  /** Topics, patterns and RegExps as they were written. */
  readonly topics: readonly TopicSnapshot[];
  /** In order of subscription. */
  readonly subscriptions: readonly SubscriptionSnapshot[];
  /** Topics that were published to with nobody listening: at most 100, those first seen longest ago leave. */
  readonly deadTopics: readonly { readonly topic: string; readonly events: number }[];
}
