import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { openQueue, RemoteNode, tempFolder } from "./nodes.ts";

describe("kill -9 of a named node while a bus handler of its own event runs", () => {
  it.each(["publishSync", "busPublish"])(
    "brings the event of a %s again to its next start, same id, redelivered",
    async (publish) => {
      const dbPath = join(tempFolder(), "events.db");
      const queue = openQueue(dbPath);
      // Made by the launcher, so that the test needn't wait for a lease of 30 s.
      await queue.group("trainer", { from: "now", leaseMs: 500 }).ensure();
      const node = await RemoteNode.start({ dbPath, node: "trainer", hangs: true });
      // It is never answered: the handler never ends.
      node.call(publish, "data.new_games", { count: 1, source: "test" }).catch(() => undefined);
      await vi.waitFor(
        async () => {
          // The node has read its own event, and has not passed it.
          const [group] = await queue.groups.list();
          expect(group).toMatchObject({ name: "trainer", cursor: 1, inFlight: 1 });
          expect(await node.seen()).toHaveLength(1);
        },
        { timeout: 10_000 },
      );
      await node.kill();

      const next = await RemoteNode.start({ dbPath, node: "trainer" });
      const [stored] = await queue.history();
      await vi.waitFor(
        async () => {
          expect(await next.seen()).toMatchObject([{ id: stored?.id, redelivered: true }]);
        },
        { timeout: 10_000 },
      );
    },
  );
});
