import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { QueueError } from "@ringrift/event-queue";
import { openNatsQueue } from "@ringrift/nats-queue";
import { demoCatalogue } from "./catalogue.ts";
import type { DemoQueue } from "./catalogue.ts";
import { SERVER_ADVICE } from "./local-server.ts";

/** Address of a queue in a NATS server, as nodes are told it. */
export function natsAddress(server: string, stream: string): string {
  return `${server.replaceAll(/\/+(?=$|,)/g, "")}#${stream}`;
}

const MOST_COPIES = 3;

/**
 * Open the run's queue: `nats://host:port#stream`, with several servers by commas for a cluster, or the path of a
 * file. The rest of the demo is the same.
 */
export async function openDemoQueue(where: string): Promise<DemoQueue> {
  const events = demoCatalogue.queue;
  if (!where.startsWith("nats://")) return new CrossProcessEventQueue({ dbPath: where, events });
  const [address = "", stream = ""] = where.split("#");
  const servers = address.split(",");
  return openNatsQueue({
    servers,
    stream,
    events,
    replicas: Math.min(MOST_COPIES, servers.length),
    // A cluster that has lost a server elects leaders anew, of each group one.
    ...(servers.length > 1 && { patienceMs: 30_000 }),
  }).catch((error: unknown) => {
    if (!(error instanceof QueueError) || error.code !== "SERVER_TOO_OLD") throw error;
    throw new Error(`${error.message} ${SERVER_ADVICE}`, { cause: error });
  });
}
