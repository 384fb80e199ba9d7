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
      delayedSends: SERVER,
      backpressure: SERVER,
      skipping: SERVER,
      migration: SERVER,
      clockSteps: "the clock is the server's, and a test can't set it",
      mixedTypes:
        "one JetStream consumer stands for a group, and gives any event of it to any of its members: groups whose members want different types need a consumer for each set of types",
      groupKinds: SERVER,
      deadLetterRetention: SERVER,
      clock: "its time is the server's",
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
