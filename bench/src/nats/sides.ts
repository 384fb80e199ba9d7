import type { ConsumerGroup } from "@ringrift/event-queue";
import { openNatsQueue } from "@ringrift/nats-queue";
import { payload } from "../queue/payload.ts";
import { BareClient } from "./bare-client.ts";
import { port } from "./server.ts";

export const OURS = "nats-queue";
export const BARE = "the bare client";
const TYPE = "TICK";

/** One side of the comparison: how it sends and takes so many at a time. */
export interface Side {
  send(size: number): Promise<void>;
  take(size: number): Promise<number>;
  close(): Promise<void>;
}

/** nats-queue, and the client it stands on. */
export const sides: Readonly<Record<string, () => Promise<Side>>> = {
  async [BARE]() {
    const client = await BareClient.open(port());
    return {
      async send(size) {
        await Promise.all(Array.from({ length: size }, () => client.send()));
      },
      take: (size) => client.take(size),
      close: () => client.close(),
    };
  },
  async [OURS]() {
    const queue = await openNatsQueue({ servers: `127.0.0.1:${port()}`, stream: "ours" });
    const group: ConsumerGroup = queue.group("bench");
    await group.ensure();
    const event = { type: TYPE, payload };
    return {
      async send(size) {
        if (size === 1) await queue.send(TYPE, payload);
        else await queue.sendMany(Array.from({ length: size }, () => event));
      },
      async take(size) {
        const events = await group.receive({ limit: size, waitMs: 5_000 });
        await Promise.all(events.map((one) => one.ack()));
        return events.length;
      },
      close: () => queue.close(),
    };
  },
};
