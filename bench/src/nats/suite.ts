import type { ConsumerGroup } from "@ringrift/event-queue";
import { openNatsQueue } from "@ringrift/nats-queue";
import { startFolder } from "../queue/logs.ts";
import { payload } from "../queue/payload.ts";
import { startServers } from "../queue/servers.ts";
import type { SampledScenario, Sampler, Suite } from "../runner/scenario.ts";
import { BareClient } from "./bare-client.ts";
import { keyedScenarios } from "./keyed.ts";
import { port } from "./server.ts";

const OURS = "nats-queue";
const BARE = "the bare client";
const TYPE = "TICK";
const AT_LEAST = 0.8;

/** One side of the comparison: how it sends and takes so many at a time. */
interface Side {
  send(size: number): Promise<void>;
  take(size: number): Promise<number>;
  close(): Promise<void>;
}

const sides: Readonly<Record<string, () => Promise<Side>>> = {
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

/** nats-queue beside the client it stands on. */
export const natsSuite: Suite = {
  name: "nats",
  rounds: 9,
  async setUp() {
    const removeFolder = startFolder();
    const stopServers = await startServers(["jetstream"]);
    return async () => {
      await stopServers();
      removeFolder();
    };
  },
  scenarios: [
    scenario("send-1", "send, one by one", "One event, awaited before the next.", 1, "send"),
    scenario("send-100", "sendMany of 100", "One event, sent with 99 others.", 100, "send"),
    scenario(
      "take-1",
      "receive and ack, one by one",
      "One event, settled before the next.",
      1,
      "take",
    ),
    scenario("take-100", "receive and ack, 100 at a time", "One event of 100.", 100, "take"),
    ...keyedScenarios,
  ],
};

function scenario(
  id: string,
  title: string,
  operation: string,
  size: number,
  what: "send" | "take",
): SampledScenario {
  const events = size === 1 ? 500 : 4_000;
  return {
    kind: "sampled",
    id,
    title,
    operation,
    base: BARE,
    candidates: Object.entries(sides).map(([name, open]) => ({
      name,
      open: async () => sampler(await open(), { events, size, what }),
    })),
    targets: [{ candidate: OURS, base: BARE, atLeast: AT_LEAST }],
  };
}

async function sampler(
  side: Side,
  { events, size, what }: { events: number; size: number; what: "send" | "take" },
): Promise<Sampler> {
  const send = async (): Promise<void> => {
    const batch = what === "send" ? size : 100;
    for (let sent = 0; sent < events; sent += batch) await side.send(batch);
  };
  const take = async (): Promise<void> => {
    for (let taken = 0; taken < events;) taken += await side.take(Math.min(size, events - taken));
  };
  const sample = async (): Promise<number> => {
    // So that there is something to take; not timed.
    if (what === "take") await send();
    const began = performance.now();
    await (what === "take" ? take() : send());
    return ((performance.now() - began) * 1e6) / events;
  };
  await sample();
  return { sample, close: () => side.close() };
}
