import { testEventQueue } from "@ringrift/event-queue/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { NatsEventQueue } from "../src/index.ts";
import { NatsServer, SERVER } from "test-servers";
import { removeStreams } from "./streams.ts";

let server: NatsServer;
let count = 0;

beforeAll(async () => {
  if (SERVER === true) server = await NatsServer.start();
});
afterAll(async () => {
  if (SERVER === true) await server.dispose();
});

it("has a server to be tested on", (context) => {
  if (SERVER !== true) context.skip(SERVER);
  expect(SERVER).toBe(true);
});

if (SERVER === true)
  testEventQueue(
    "NatsEventQueue",
    {
      persistent: SERVER,
      multipleInstances: SERVER,
      perKeyOrder: SERVER,
      retention: SERVER,
      groupExpiry: SERVER,
      dedupeWindow: SERVER,
      delayedSends:
        "JetStream of 2.9 has no delayed messages, and this package none of its own yet",
      backpressure: SERVER,
      skipping: "the queue on NATS stores skipAfterMs and doesn't obey it yet",
    },
    async () => {
      count += 1;
      const stream = `case-${count}`;
      return {
        open: (options) => new NatsEventQueue({ servers: server.url, stream, ...options }),
        dispose: () => removeStreams(server.url, stream),
      };
    },
  );
