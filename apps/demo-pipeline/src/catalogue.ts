import type { EventQueue, GroupPolicy } from "@ringrift/event-queue";
import { event, defineCatalogue, selfplayEvents } from "@ringrift/mappings";
import type { Catalogue, PlainEvent, QueueContracts, SelfplayEvents } from "@ringrift/mappings";

/** A file that an event names: path relative to the run folder, and what its content must be. */
export interface FileRef {
  readonly path: string;
  readonly sha256: string;
  readonly bytes?: number;
  readonly games?: number;
}

/** A batch of self-play games to be played by one of the workers. */
export interface SelfplayRequested {
  readonly jobId: string;
  readonly configKey: string;
  readonly iteration: number;
  /** Who plays: the champion when the job was made. */
  readonly modelId: string;
  readonly games: number;
  readonly seed: string;
}

/** Somebody who is rated: a model of this run, or a yardstick with so many playouts. */
export type Rated =
  | { readonly name: string; readonly modelId: string }
  | { readonly name: string; readonly playouts: number };

/** A meeting of two players to be played for the Elo fit. */
export interface RatingRequested {
  readonly jobId: string;
  readonly configKey: string;
  readonly a: Rated;
  readonly b: Rated;
  readonly pairs: number;
  readonly seed: string;
}

/** What came of a meeting. */
export interface RatingCompleted {
  readonly jobId: string;
  readonly a: string;
  readonly b: string;
  /** Pairs of which `a` won none, one or both games. */
  readonly none: number;
  readonly one: number;
  readonly both: number;
}

/** The guide's events and the demo's own three. */
export type DemoEvents = SelfplayEvents & {
  readonly "selfplay.requested": PlainEvent<SelfplayRequested>;
  readonly "rating.requested": PlainEvent<RatingRequested>;
  readonly "rating.completed": PlainEvent<RatingCompleted>;
};

/** The catalogue of every node of the demo. */
export const demoCatalogue: Catalogue<DemoEvents> = defineCatalogue<DemoEvents>({
  ...selfplayEvents,
  "selfplay.requested": event<SelfplayRequested>(),
  "rating.requested": event<RatingRequested>(),
  "rating.completed": event<RatingCompleted>(),
});

/** Topic of the demo's catalogue. */
export type DemoTopic = keyof DemoEvents;

/** Name of one of the demo's events on the queue. */
export type DemoQueueType = keyof QueueContracts<DemoEvents>;

/** A queue of the demo's events. */
export type DemoQueue = EventQueue<QueueContracts<DemoEvents>>;

/** Name of a topic on the queue. @throws Error when it has none */
export function queueName(topic: DemoTopic): DemoQueueType {
  const name = demoCatalogue.entryForTopic(topic)?.crossProcess;
  if (name === undefined) throw new Error(`Topic "${topic}" has no name on the queue.`);
  // The catalogue's types and its entries come from the same definitions.
  return name as DemoQueueType;
}

/**
 * Who works on what: consumer group → topics. The launcher makes the groups before it starts the
 * nodes, so that none misses an event. A node reads as a group of its own name, so no group may have one.
 */
export const WORK_GROUPS = {
  schedule: ["training.started"],
  selfplay: ["selfplay.requested"],
  syncing: ["data.new_games"],
  training: ["data.sync_completed", "model.promoted", "promotion.rejected"],
  evaluation: ["training.completed"],
  promotion: ["evaluation.completed"],
  rating: ["rating.requested"],
} as const satisfies Readonly<Record<string, readonly DemoTopic[]>>;

/** A consumer group of the demo. */
export type WorkGroup = keyof typeof WORK_GROUPS;

/**
 * Policy of every group: a killed process's work is free again after this long, and what fails ten times is set aside.
 * The pauses outlast a host that is cut off and whose first events can't be stored yet when it is back. (Leases are
 * renewed while a handler runs.)
 */
export const GROUP_POLICY = {
  leaseMs: 4000,
  maxAttempts: 10,
  backoff: { initialMs: 200, maxMs: 5000 },
} as const satisfies GroupPolicy;
