import type { EventBus } from "@ringrift/core-bus";
import { type AnyContracts, pickLineage } from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";
import { type AnyQueue, metadataOf } from "./wire.ts";

const PAGE = 1000;

/**
 * Fills a bus's history with the events that the log holds up to `cursor`, oldest first. Nothing is
 * dispatched. The history's own size decides how many of them stay.
 */
export async function fillHistory(
  bus: EventBus<AnyContracts>,
  queue: AnyQueue,
  catalogue: AnyCatalogue,
  range: {
    readonly since: Date | number | undefined;
    readonly cursor: number;
    /** Gets why an event is not in the history. */
    readonly onUnreadable: (error: unknown) => void;
  },
): Promise<void> {
  let after = 0;
  for (;;) {
    const events = await queue.history({ since: range.since, after, limit: PAGE });
    for (const event of events) {
      const topic = catalogue.entryForQueue(event.type)?.topic;
      if (topic === undefined || event.position > range.cursor) continue;
      try {
        const metadata = metadataOf(event);
        bus.remember({ topic, payload: event.payload, metadata, lineage: pickLineage(event) });
      } catch (error) {
        // One event that can't be read must not keep the node from starting.
        range.onUnreadable(error);
      }
    }
    const last = events.at(-1)?.position;
    if (last === undefined || last >= range.cursor) return;
    after = last;
  }
}
