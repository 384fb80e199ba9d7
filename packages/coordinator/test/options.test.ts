import { describe, expect, it } from "vitest";
import { makeNode, startNode } from "./nodes.ts";

describe("options of createCoordinator", () => {
  it.each([
    [{ nodes: "x" }, 'createCoordinator has no option "nodes". Did you mean "node"?'],
    [{ weather: 1 }, "It has bridges, bus, catalogue"],
    [{ bridges: { topicToQeue: false } }, 'Did you mean "topicToQueue"?'],
    [{ catchUp: { sinse: 1 } }, 'Did you mean "since"?'],
    [{ node: "" }, 'Option "node"'],
    [{ node: "my node" }, 'Option "node" is "my node"'],
    [{ spoolLimit: -1 }, "whole number"],
    [{ onError: "log" }, 'Option "onError" is "log"'],
  ])("refuse %j", (options, message) => {
    expect(() => makeNode(options as object)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining(message),
      }),
    );
  });

  it("refuse a catch-up since a moment in seconds, by its own name", () => {
    const since = Math.floor(Date.now() / 1000);
    expect(() => makeNode({ catchUp: { since } })).toThrow(/"catchUp.since" is \d+.*seconds/);
  });
});

describe("options of stop, close and flush", () => {
  it.each(["stop", "close", "flush"] as const)("%s refuses what would be ignored", async (call) => {
    const node = await startNode();
    // @ts-expect-error a typo
    await expect(node[call]({ timeoutMS: 5000 })).rejects.toThrow(
      `${call} has no option "timeoutMS". Did you mean "timeoutMs"?`,
    );
    await expect(node[call]({ timeoutMs: -1 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
    // As a timer's delay it would mean at once.
    await expect(node[call]({ timeoutMs: Infinity })).rejects.toThrow(/leave it out for no limit/);
    expect(node.running).toBe(true);
  });
});

describe("options of publish", () => {
  it("refuse what would be ignored, and metadata that is no object", async () => {
    const node = await startNode();
    const order = { id: "A-1", cents: 1 };
    // @ts-expect-error a typo
    await expect(node.publish("order.placed", order, { dedupKey: "A-1" })).rejects.toThrow(
      'Did you mean "dedupeKey"?',
    );
    // @ts-expect-error a text is no metadata
    await expect(node.publish("order.placed", order, { metadata: "x" })).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    expect((await node.queue.stats()).events).toBe(0);
  });
});
