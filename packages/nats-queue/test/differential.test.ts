import { testSameAsMemory } from "@ringrift/event-queue/testing";
import { NatsServer, SERVER } from "test-servers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NatsEventQueue } from "../src/index.ts";
import { removeStreams } from "./streams.ts";

let server: NatsServer;
let count = 0;

beforeAll(async () => {
  if (SERVER === true) server = await NatsServer.start();
});
afterAll(async () => {
  if (SERVER === true) await server.dispose();
});

it("has a server to be compared on", (context) => {
  if (SERVER !== true) context.skip(SERVER);
  expect(SERVER).toBe(true);
});

// Time really passes: where the machine stands still in the middle of a script, it is no difference unless it shows again.
describe.skipIf(SERVER !== true)("NatsEventQueue", { retry: 1 }, () => {
  testSameAsMemory(
    "NatsEventQueue",
    async () => {
      count += 1;
      const stream = `script-${count}`;
      return {
        open: (options) => new NatsEventQueue({ servers: server.url, stream, ...options }),
        dispose: () => removeStreams(server.url, stream),
      };
    },
    // The same scripts in each run of CI; MODEL_SEED plays others.
    { clock: "real", idsCountWithin: "type", runs: 500, mostCommands: 8, seed: 20_261_130 },
  );
});
