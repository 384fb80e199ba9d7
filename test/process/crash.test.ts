import { once } from "node:events";
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

  it.each(["its own event", "a foreign event"])(
    "doesn't double what the handler had published: not for %s",
    async (whose) => {
      const dbPath = join(tempFolder(), "events.db");
      const queue = openQueue(dbPath);
      await queue.group("trainer", { from: "now", leaseMs: 500 }).ensure();
      const settings = { dbPath, node: "trainer", answers: true };
      const node = await RemoteNode.start(settings);
      const ended = once(node.process ?? process, "exit");
      if (whose === "its own event") {
        node
          .call("busPublish", "data.new_games", { count: 1, source: "test" })
          .catch(() => undefined);
      } else await queue.send("NEW_GAMES_AVAILABLE", { count: 1, source: "test" });
      await ended;

      const next = await RemoteNode.start(settings);
      await vi.waitFor(async () => expect(await next.call("children")).toHaveLength(1), {
        timeout: 10_000,
      });
      const rows = await queue.history({ eventTypes: ["DATA_SYNC_COMPLETED"] });
      expect(await next.call("children")).toEqual([{ id: rows[0]?.id, duplicate: true }]);
      expect(rows).toHaveLength(1);
    },
  );
});
