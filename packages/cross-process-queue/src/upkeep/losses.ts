import type { QueueError } from "@ringrift/event-queue";
import {
  groupExpired,
  groupMissed,
  groupSkipped,
  groupTypeEnded,
} from "@ringrift/event-queue/backend";
import type { Group } from "../groups/group-store.ts";

/** Events that a group won't get, as one step of a sweep has found. */
export interface Loss {
  readonly reason: "skipped" | "group-expired" | "type-ended" | "missed";
  readonly group: Group;
  readonly count: number;
  /** It is to be reported, whatever more may come. */
  readonly isOver: boolean;
  /** The types that have ended. */
  readonly eventTypes?: readonly string[];
}

/** What all steps of a sweep have found: one report for each group and reason. */
export class Losses {
  readonly #all = new Map<string, Loss>();

  add(loss: Loss): void {
    if (loss.count === 0 && !loss.isOver) return;
    const key = `${loss.reason} ${loss.group.id}`;
    const before = this.#all.get(key);
    const isOver = loss.isOver || before?.isOver === true;
    this.#all.set(key, { ...loss, count: loss.count + (before?.count ?? 0), isOver });
  }

  errors(): QueueError[] {
    return [...this.#all.values()].filter(({ isOver }) => isOver).map(toError);
  }
}

function toError({ reason, group, count, eventTypes = [] }: Loss): QueueError {
  if (reason === "skipped") return groupSkipped(group, count);
  if (reason === "group-expired") return groupExpired(group, count);
  if (reason === "missed") return groupMissed(group, count);
  return groupTypeEnded(group.name, eventTypes, count);
}
