import { join } from "node:path";
import { outcomeTopic, selfplayCatalogue } from "@ringrift/mappings";
import { describe, expect, it } from "vitest";
import { idle, openQueue, RemoteNode, tempFolder } from "./nodes.ts";

const stages = Array.from(selfplayCatalogue.stages.names);

describe("a failed stage, each of them", () => {
  it("gives exactly one failure with its error here and on every other node, and no success anywhere", async () => {
    expect(stages.length).toBeGreaterThanOrEqual(21);
    const dbPath = join(tempFolder(), "events.db");
    const queue = openQueue(dbPath);
    const here = await RemoteNode.start({ dbPath });
    const there = await Promise.all([1, 2].map(() => RemoteNode.start({ dbPath })));
    for (const [index, stage] of stages.entries()) {
      const errors = await here.call("emit", {
        stage,
        success: false,
        configKey: "hex7_2p",
        iteration: index,
        error: `broken ${stage}`,
      });
      expect(errors).toEqual([]);
    }
    await idle(queue);
    const expected = stages.map((stage, index) => ({
      topic: outcomeTopic(selfplayCatalogue, stage, { success: false, error: "x" }),
      payload: { success: false, iteration: index, error: `broken ${stage}` },
    }));
    for (const node of [here, ...there]) {
      const seen = (await node.seen()).toSorted(
        (a, b) => Number(a.payload["iteration"]) - Number(b.payload["iteration"]),
      );
      expect(seen).toMatchObject(expected);
      expect(seen).toHaveLength(stages.length);
      for (const { topic } of seen) {
        expect(selfplayCatalogue.entryForTopic(topic)?.isFailure, topic).toBe(true);
      }
    }
    expect((await queue.stats()).events).toBe(stages.length);
  });
});
