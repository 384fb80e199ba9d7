import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { openNatsQueue } from "@ringrift/nats-queue";
import { demoCatalogue } from "./catalogue.ts";
import type { DemoQueue } from "./catalogue.ts";

/** Address of a queue in a NATS server, as nodes are told it. */
export function natsAddress(server: string, stream: string): string {
  return `${server.replace(/\/+$/, "")}#${stream}`;
}

/** Open the run's queue: `nats://host:port#stream`, or the path of a file. The rest of the demo is the same. */
export async function openDemoQueue(where: string): Promise<DemoQueue> {
  const events = demoCatalogue.queue;
  if (!where.startsWith("nats://")) return new CrossProcessEventQueue({ dbPath: where, events });
  const [servers = "", stream = ""] = where.split("#");
  return openNatsQueue({ servers, stream, events });
}
