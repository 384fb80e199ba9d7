import type { EventBus, PastEvent } from "@ringrift/core-bus";
import { type AnyContracts, pickLineage, toMillis } from "@ringrift/envelope";
import type { StoredEvent } from "@ringrift/event-queue";
import type { AnyCatalogue } from "@ringrift/mappings";
import { wrongOutcome } from "../carrying/outcome.ts";
import { type AnyQueue, metadataOf } from "../carrying/wire.ts";

/** Positions that one look at the log goes back. */
const WINDOW = 1000;

/** Whose history is filled, from which log. */
export interface HistoryParts {
  readonly bus: EventBus<AnyContracts>;
  readonly queue: AnyQueue;
  readonly catalogue: AnyCatalogue;
}

/** Which part of the log. */
export interface HistoryRange {
  /** Nothing that was stored before. */
  readonly since: Date | number | undefined;
  /** Nothing after this position. */
  readonly cursor: number;
  /** Gets why an event is not in the history. */
  readonly onUnreadable: (error: unknown) => void;
}

/**
 * Fills a bus's history with the newest events that the log holds up to `cursor`, as many as the history
 * takes. Nothing is dispatched. Goes backwards, since the log may be a thousand times as long.
 */
export async function fillHistory(
  { bus, queue, catalogue }: HistoryParts,
  range: HistoryRange,
): Promise<void> {
  const { capacity } = bus.stats().history;
  const found: PastEvent<AnyContracts, string>[] = [];
  for await (const event of backwards(queue, range)) {
    if (found.length === capacity) break;
    const topic = catalogue.entryForQueue(event.type)?.topic;
    if (topic === undefined) continue;
    try {
      const wrong = wrongOutcome(catalogue, topic, event);
      if (wrong) throw wrong;
      const metadata = metadataOf(event);
      found.push({ topic, payload: event.payload, metadata, lineage: pickLineage(event) });
    } catch (error) {
      // One event that can't be read must not keep the node from starting.
      range.onUnreadable(error);
    }
  }
  // Events of one millisecond stay in the order in which they are put in.
  for (const event of found.toReversed()) bus.remember(event);
}

async function* backwards(queue: AnyQueue, range: HistoryRange): AsyncGenerator<StoredEvent, void> {
  const since = range.since === undefined ? 0 : toMillis(range.since);
  const { oldestPosition = Number.POSITIVE_INFINITY } = await queue.stats();
  for (let end = range.cursor; end >= oldestPosition; end -= WINDOW) {
    const events = await queue.history({ after: Math.max(0, end - WINDOW), limit: WINDOW });
    for (const event of events.toReversed()) {
      if (event.storedAt < since) return;
      if (event.position <= end) yield event;
    }
  }
}
