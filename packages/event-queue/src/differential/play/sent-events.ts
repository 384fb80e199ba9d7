import { type EventLineage, pickLineage } from "@ringrift/envelope";
import type { OutgoingEvent } from "../../contract/event-queue.ts";
import type { StoredEvent } from "../../contract/events.ts";
import type { LogView } from "./log-view.ts";
import type { Bridged, Sent } from "../script/script.ts";
import type { ScriptClock } from "../clocks/script-clock.ts";

/** An event that was made elsewhere. */
type Original = EventLineage & Pick<StoredEvent, "type" | "payload">;

/** What a queue is given to send: a new event, or one that a bridge brings. */
export function toOutgoing(sent: Sent, log: LogView, clock: ScriptClock): OutgoingEvent {
  const { lineage, source, ...event } = sent;
  const original = lineage && originalOf(lineage, log, clock);
  const { type, payload } = original ?? event;
  return {
    ...event,
    type,
    payload,
    // A bridge says it with the lineage.
    ...(original === undefined ? { source } : { lineage: pickLineage(original) }),
  };
}

/** The id of an event that a bridge brings. */
export function bridgedId(sent: Sent, log: LogView, clock: ScriptClock): string | undefined {
  return sent.lineage && originalOf(sent.lineage, log, clock)?.id;
}

function originalOf(bridged: Bridged, log: LogView, clock: ScriptClock): Original | undefined {
  if ("foreign" in bridged) return foreignEvent(bridged.foreign, clock);
  const stored = log.nth(bridged.copyOf);
  if (stored === undefined || bridged.other === undefined) return stored;
  return bridged.other === "type"
    ? { ...stored, type: `NOT_${stored.type}` }
    : { ...stored, payload: { not: stored.payload } };
}

function foreignEvent(nth: number, clock: ScriptClock): Original {
  return {
    type: "A",
    payload: { foreign: nth },
    id: `00000000-0000-7000-8000-00000000000${nth}`,
    time: clock.momentOf(0) - 1_000,
    source: "elsewhere",
    origin: "1.0-elsewhere",
    correlationId: "what it belongs to",
    causationId: "what it comes from",
    via: ["bus"],
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  };
}
