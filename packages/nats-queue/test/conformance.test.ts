import { testEventQueue } from "@ringrift/event-queue/testing";
import { afterAll, beforeAll } from "vitest";
import { NatsEventQueue } from "../src/index.ts";
import { NatsServer, SERVER } from "./nats-server.ts";
import { removeStreams } from "./streams.ts";

let server: NatsServer;
let count = 0;

beforeAll(async () => {
  if (SERVER === true) server = await NatsServer.start();
});
afterAll(async () => {
  if (SERVER === true) await server.dispose();
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
