import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { EventQueue } from "@ringrift/event-queue";
import { NatsEventQueue } from "@ringrift/nats-queue";

/** Opens the queue of a test: `nats://host:port#stream`, or the path of a file. */
export function openAt(where: string): EventQueue {
  if (!where.startsWith("nats://")) return new CrossProcessEventQueue(where);
  const [servers = "", stream = ""] = where.split("#");
  return new NatsEventQueue({ servers, stream });
}
