import { administering } from "./administering.ts";
import { burying } from "./burying.ts";
import { closing } from "./closing.ts";
import { consuming } from "./consuming.ts";
import { delaying } from "./delaying.ts";
import { following } from "./following.ts";
import { holdingBack } from "./holding-back.ts";
import { identity } from "./identity.ts";
import { leasing } from "./leasing.ts";
import { moving } from "./moving.ts";
import { movingParts } from "./moving-parts.ts";
import { ordering } from "./ordering.ts";
import { outliving } from "./outliving.ts";
import { policies } from "./policies.ts";
import { reading } from "./reading.ts";
import { redriving } from "./redriving.ts";
import { sending } from "./sending.ts";
import { sharingTypes } from "./sharing-types.ts";
import { skipping } from "./skipping.ts";
import { stopping } from "./stopping.ts";
import { streaming } from "./streaming.ts";
import { surviving } from "./surviving.ts";
import { type QueueFactory, type QueueFeatures, runSuite } from "./suite.ts";
import { trails } from "./trails.ts";
import { wrapping } from "./wrapping.ts";

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
