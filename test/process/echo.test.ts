import { beforeEach, describe, expect, it } from "vitest";
import { BACKENDS, freshQueue, lacking } from "./backends.ts";
import { idle, openQueue, RemoteNode } from "./nodes.ts";

const games = { count: 500, source: "worker-1" };

async function startNodes(backend: (typeof BACKENDS)[number], count: number, thread = false) {
  const dbPath = await freshQueue(backend);
  const nodes: RemoteNode[] = [];
  for (let index = 0; index < count; index += 1) {
    nodes.push(await RemoteNode.start({ dbPath }, thread));
  }
  return { nodes, queue: openQueue(dbPath) };
}

/** Every node saw exactly these ids, once each. */
async function expectSeenOnce(nodes: RemoteNode[], ids: string[]): Promise<void> {
  for (const node of nodes) {
    const seen = await node.seen();
    expect(seen.map((event) => event.id)).toEqual(ids);
  }
}

describe.each(BACKENDS)("one event published once, the queue being %s,", (backend) => {
  beforeEach((context) => {
    const reason = lacking(backend);
    if (reason !== undefined) context.skip(reason);
  });

  it.each([1, 2, 3, 5])(
    "is handled once in each of %i processes, and stored once",
    async (count) => {
      const { nodes, queue } = await startNodes(backend, count);
      const { id } =
        (await nodes[0]?.call<{ id: string }>("busPublish", "data.new_games", games)) ?? {};
      await idle(queue);
      await expectSeenOnce(nodes, [id ?? ""]);

      // Ten more wake-ups: events that the catalogue doesn't know wake everybody and change nothing.
      for (let wake = 0; wake < 10; wake += 1) {
        await queue.send("JUST_A_WAKE_UP", { wake });
        await idle(queue);
        expect((await queue.history({ eventTypes: ["NEW_GAMES_AVAILABLE"] })).length).toBe(1);
      }
      expect((await queue.stats()).events).toBe(11);
      await expectSeenOnce(nodes, [id ?? ""]);
    },
  );

  it("is handled once in each of two worker threads of one process", async () => {
    const { nodes, queue } = await startNodes(backend, 2, true);
    const { id } = (await nodes[0]?.call<{ id: string }>("publish", "data.new_games", games)) ?? {};
    await idle(queue);
    await expectSeenOnce(nodes, [id ?? ""]);
    expect((await queue.stats()).events).toBe(1);
  });

  it("is handled once in each process when a plain send stored it, the sender's own included", async () => {
    const { nodes, queue } = await startNodes(backend, 3);
    const sent = await nodes[0]?.call<{ id: string }>("send", "NEW_GAMES_AVAILABLE", games);
    await idle(queue);
    await expectSeenOnce(nodes, [sent?.id ?? ""]);
    expect((await queue.stats()).events).toBe(1);
  });
});

describe.each(BACKENDS)("a named node, the queue being %s,", (backend) => {
  beforeEach((context) => {
    const reason = lacking(backend);
    if (reason !== undefined) context.skip(reason);
  });

  it("does not replay the past at its first start, and gets what was sent while it was down", async () => {
    const dbPath = await freshQueue(backend);
    const queue = openQueue(dbPath);
    await queue.send("NEW_GAMES_AVAILABLE", { count: 1, source: "before" });
    const first = await RemoteNode.start({ dbPath, node: "trainer-1" });
    await queue.send("NEW_GAMES_AVAILABLE", { count: 2, source: "during" });
    await idle(queue);
    expect((await first.seen()).map((event) => event.payload["source"])).toEqual(["during"]);
    await first.kill();

    await queue.send("NEW_GAMES_AVAILABLE", { count: 3, source: "while it was down" });
    const second = await RemoteNode.start({ dbPath, node: "trainer-1" });
    await idle(queue);
    expect((await second.seen()).map((event) => event.payload["source"])).toEqual([
      "while it was down",
    ]);
  });

  it("goes on at its cursor after stop() and start()", async () => {
    const dbPath = await freshQueue(backend);
    const queue = openQueue(dbPath);
    const node = await RemoteNode.start({ dbPath, node: "trainer-1" });
    await node.call("stop");
    await queue.send("NEW_GAMES_AVAILABLE", games);
    expect(await node.seen()).toEqual([]);
    await node.call("start");
    await idle(queue);
    expect((await node.seen()).map((event) => event.payload)).toEqual([games]);
  });

  it("has one live holder: a second is refused with the holder's name", async () => {
    const dbPath = await freshQueue(backend);
    await RemoteNode.start({ dbPath, node: "trainer-1" });
    const second = await RemoteNode.launch({ dbPath, node: "trainer-1" });
    await expect(second.call("start")).rejects.toMatchObject({ code: "NODE_NAME_TAKEN" });
  });
});
