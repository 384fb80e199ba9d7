import { defineCatalogue, event, named } from "@ringrift/mappings";

/** What every event of a simulation carries. */
export interface Payload {
  /** Names the publish. */
  readonly tag: string;
  /** Of the event in whose handler it was published. */
  readonly parent?: string;
  readonly success?: boolean;
}

/** Handlers publish to topics of a later rank only, so that every trail ends. */
export const RANKS = [
  ["order.placed", "job.asked"],
  ["order.paid", "order.failed"],
  ["job.done", "mail.sent"],
] as const;

/** A topic of the simulation. */
export type Topic = (typeof RANKS)[number][number];

/** The catalogue of every node. */
export const catalogue = defineCatalogue({
  "order.placed": event<Payload>(),
  "job.asked": event<Payload>(),
  "order.paid": named<Payload>()({ stages: ["pay_complete"], failure: "order.failed" }),
  "order.failed": named<Payload>()({ stages: ["pay_failed"] }),
  "job.done": event<Payload>(),
  "mail.sent": event<Payload>(),
});

/** Topics that a stage result ends up on, and the result. */
export const STAGES = {
  "order.paid": { stage: "pay_complete", success: true },
  "order.failed": { stage: "pay_complete", success: false },
} as const;

/** The topic's name on the queue. */
export function typeOf(topic: Topic): string {
  return topic.replace(".", "_").toUpperCase();
}

/** Topics of a later rank. */
export function laterThan(topic: Topic): Topic[] {
  const rank = RANKS.findIndex((topics: readonly Topic[]) => topics.includes(topic));
  return RANKS.slice(rank + 1).flat();
}
