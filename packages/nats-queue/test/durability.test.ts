import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { freePort, NatsServer, SERVER } from "test-servers";
import { openNatsQueue } from "../src/index.ts";

/** A server with this in its jetstream block, and a queue that sees its monitoring. */
async function queueOn(block: string) {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const config = `http: "127.0.0.1:${port}"\njetstream { store_dir: "${folder}"\n${block}\n}`;
  const server = await NatsServer.start(config, false);
  onTestFinished(() => server.dispose());
  const monitoring = `http://127.0.0.1:${port}`;
  const queue = await openNatsQueue({ servers: server.url, stream: "orders", monitoring });
  onTestFinished(() => queue.close());
  return { server, queue };
}

it("a server that syncs each write is seen to do so, and there is nothing to warn of", async (context) => {
  if (SERVER !== true) context.skip(SERVER);
  const { server, queue } = await queueOn("sync_interval: always");
  const { id } = await queue.send("ORDER_PLACED", { n: 1 });
  const { ok, details } = await queue.health();
  expect(ok).toBe(true);
  expect(details).toMatchObject({ diskSync: "always", warnings: [] });
  await server.kill();
  await server.run();
  expect((await queue.history())[0]?.id).toBe(id);
});

it("a server that syncs now and then is warned of", async (context) => {
  if (SERVER !== true) context.skip(SERVER);
  const { queue } = await queueOn("");
  const { ok, details } = await queue.health();
  expect(ok).toBe(true);
  expect(details["diskSync"]).not.toBe("always");
  expect(details["warnings"]).toHaveLength(1);
});
