import { beforeEach, describe, expect, it } from "vitest";
import { BACKENDS, freshQueue, lacking } from "./backends.ts";
import { idle, openQueue, RemoteNode } from "./nodes.ts";

const events = Array.from({ length: 200 }, (_, index) => ({
  type: "NEW_GAMES_AVAILABLE",
  payload: { count: index, source: "test" },
}));

describe.each(BACKENDS)("eight processes, the queue being %s,", (backend) => {
  beforeEach((context) => {
    const reason = lacking(backend);
    if (reason !== undefined) context.skip(reason);
  });

  it("with one work group handle 200 events 200 times, and on their buses 8 × 200", async () => {
    const dbPath = await freshQueue(backend);
    const queue = openQueue(dbPath);
    const nodes = await Promise.all(
      Array.from({ length: 8 }, () => RemoteNode.start({ dbPath, group: "sync" })),
    );
    const sent = await queue.sendMany(events);
    await idle(queue);
    const ids = sent.map((event) => event.id).toSorted();
    const worked = (await Promise.all(nodes.map((node) => node.worked()))).flat();
    expect(worked.map((event) => event.id).toSorted()).toEqual(ids);
    for (const node of nodes) {
      const seen = (await node.seen()).filter((event) => event.topic === "data.new_games");
      expect(seen.map((event) => event.id).toSorted()).toEqual(ids);
    }
    // Each of the 200 published one child.
    expect(await queue.history({ eventTypes: ["DATA_SYNC_COMPLETED"], limit: 1000 })).toHaveLength(
      200,
    );
  });
});

describe.each(BACKENDS)("kill -9 in a work handler, the queue being %s,", (backend) => {
  beforeEach((context) => {
    const reason = lacking(backend);
    if (reason !== undefined) context.skip(reason);
  });

  it.each(["publish then die", "die after effect"] as const)(
    "that was to %s: the event comes again with attempt 2, and its child is there once",
    async (work) => {
      const dbPath = await freshQueue(backend);
      const queue = openQueue(dbPath);
      // The same name, or the dead node's own group would wait for it until it expires.
      // Its group is made beforehand, so that the heir needn't wait for a lease of 30 s.
      await queue.group("sync-1", { from: "now", leaseMs: 500 }).ensure();
      const settings = { dbPath, node: "sync-1", group: "sync", leaseMs: 500, work } as const;
      const victim = await RemoteNode.start(settings);
      const { id } = await queue.send("NEW_GAMES_AVAILABLE", { count: 1, source: "test" });
      expect(await victim.dying.promise).toMatchObject([{ id, attempt: 1, redelivered: false }]);
      const heir = await RemoteNode.start(settings);
      await idle(queue);
      expect(await heir.worked()).toMatchObject([{ id, attempt: 2, redelivered: true }]);
      const children = await queue.history({ eventTypes: ["DATA_SYNC_COMPLETED"] });
      expect(children).toHaveLength(1);
      expect(children[0]).toMatchObject({ causationId: id });
      // The other process has derived the same id, and was told that the event is there.
      const duplicate = work === "publish then die";
      expect(await heir.call("children")).toEqual([{ id: children[0]?.id, duplicate }]);
    },
  );
});
