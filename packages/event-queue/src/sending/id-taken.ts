import { isSameJson } from "./canonical-json.ts";
import { QueueError } from "../failures/errors.ts";
import { type OutgoingRecord, placeOf } from "./outgoing.ts";

/**
 * For backends: refuses an event whose id is stored with another type or another payload. Everything else may differ:
 * a bridge adds to `via`, and a retry runs in another process.
 *
 * @param stored the event that has the id; its payload as JSON
 * @throws QueueError `ID_TAKEN`
 */
export function requireSameEvent(
  { lineage, type, body, index }: Pick<OutgoingRecord, "lineage" | "type" | "body" | "index">,
  stored: { readonly type: string; readonly body: string },
): void {
  const isSameType = type === stored.type;
  if (isSameType && isSameJson(body, stored.body)) return;
  const what = isSameType ? "another payload" : `type "${stored.type}"`;
  throw new QueueError(
    "ID_TAKEN",
    `${placeOf(index)}Event "${type}" can't be stored: its id "${lineage.id}" is that of a stored event with ${what}. An event keeps its id, and an id its event: leave "lineage" out for a new event, and pass a carried one on unchanged.`,
  );
}
