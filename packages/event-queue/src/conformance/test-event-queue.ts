import { administering } from "./groups/administering.ts";
import { burying } from "./groups/burying.ts";
import { closing } from "./consuming/closing.ts";
import { consuming } from "./consuming/consuming.ts";
import { delaying } from "./log/delaying.ts";
import { following } from "./log/following.ts";
import { holdingBack } from "./log/holding-back.ts";
import { identity } from "./log/identity.ts";
import { leasing } from "./consuming/leasing.ts";
import { moving } from "./groups/moving.ts";
import { movingParts } from "./harness/moving-parts.ts";
import { ordering } from "./groups/ordering.ts";
import { outliving } from "./consuming/outliving.ts";
import { policies } from "./groups/policies.ts";
import { reading } from "./log/reading.ts";
import { redriving } from "./groups/redriving.ts";
import { sending } from "./log/sending.ts";
import { sharingTypes } from "./groups/sharing-types.ts";
import { skipping } from "./groups/skipping.ts";
import { stopping } from "./consuming/stopping.ts";
import { streaming } from "./log/streaming.ts";
import { surviving } from "./log/surviving.ts";
import { type QueueFactory, type QueueFeatures, runSuite } from "./harness/suite.ts";
import { trails } from "./log/trails.ts";
import { wrapping } from "./consuming/wrapping.ts";

/**
 * Registers the conformance suite of the queue contract with vitest: every sentence of the contract as a
 * test, the same for every backend. A case that needs a feature which the backend lacks is skipped, and
 * shows the reason that `features` gives. Each case gets fresh state from the factory.
 *
 * @example
 * testEventQueue("MemoryEventQueue", features, async () => {
 *   let log: MemoryLog | undefined;
 *   return {
 *     open: ({ dedupeWindowMs, retentionMs, ...options } = {}) => {
 *       log ??= new MemoryLog({ dedupeWindowMs, retentionMs });
 *       return new MemoryEventQueue({ ...options, log });
 *     },
 *     dispose: async () => {},
 *   };
 * });
 */
export function testEventQueue(name: string, features: QueueFeatures, factory: QueueFactory): void {
  runSuite(name, features, factory, {
    sending,
    delaying,
    "holding senders back": holdingBack,
    identity,
    "reading without a group": reading,
    streaming,
    "group policies": policies,
    "groups that follow the code": following,
    "members with different types": sharingTypes,
    "groups that nobody serves": outliving,
    leasing,
    "order by key": ordering,
    "skipping what is too old": skipping,
    consuming,
    middleware: wrapping,
    "stopping and pausing": stopping,
    "trails and children": trails,
    "dead letters": burying,
    "redriving after a move back": redriving,
    "administration of groups": administering,
    "moving to another queue": moving,
    "what moving needs of a backend": movingParts,
    "closing and reopening": closing,
    "processes that end, answers that are lost, clocks that are set": surviving,
  });
}
