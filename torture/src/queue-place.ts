import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { EventQueue } from "@ringrift/event-queue";
import { openNatsQueue } from "@ringrift/nats-queue";

/** Where a queue is, in words that can be told to another process. */
export type QueuePlace =
  | { readonly kind: "files"; readonly path: string }
  | { readonly kind: "nats"; readonly url: string; readonly stream: string };

/** Opens the queue that is there; the first one to open it makes it. */
export async function openPlace(place: QueuePlace): Promise<EventQueue> {
  if (place.kind === "files") return new CrossProcessEventQueue(place.path);
  return openNatsQueue({ servers: place.url, stream: place.stream });
}
