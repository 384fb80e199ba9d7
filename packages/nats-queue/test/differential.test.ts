import { testSameAsMemory } from "@ringrift/event-queue/testing";
import { NatsServer, SERVER } from "test-servers";
import { afterAll, beforeAll, expect, it } from "vitest";
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

/** Differences are left: e.g. MODEL_RUNS=150 MODEL_SEED=4711 MODEL_PATH=20, a delayed send whose dedupe key is known. */
const WANTED =
  process.env["MODEL_RUNS"] === undefined
    ? "known differences are left: it runs where MODEL_RUNS says how often"
    : true;

it("is compared with memory", (context) => {
  if (SERVER !== true) context.skip(SERVER);
  if (WANTED !== true) context.skip(WANTED);
  expect(SERVER).toBe(true);
});

if (SERVER === true && WANTED === true)
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
    { clock: "real", runs: 500, mostCommands: 20 },
  );
