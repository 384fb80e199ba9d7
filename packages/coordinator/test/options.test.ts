import { describe, expect, it } from "vitest";
import { defineCatalogue, event } from "@ringrift/mappings";
import { createStageEventBus } from "@ringrift/stage-events";
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
    [{ onDeadLetter: "log" }, 'Option "onDeadLetter" is "log"'],
    [{ queue: {} }, 'Option "queue" is an object with nothing in it. Give an event queue'],
    [{ queue: "events.db" }, 'Option "queue" is "events.db"'],
    [{ bus: { publish: 1 } }, 'Option "bus" is an object with publish'],
    [{ stages: 5 }, 'Option "stages" is 5'],
    [
      { catalogue: {} },
      'Option "catalogue" is an object with nothing in it. Give what defineCatalogue',
    ],
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

describe("parts of another catalogue", () => {
  it("a stage bus that lacks a stage is refused, by the stage's name", () => {
    const stages = createStageEventBus({ catalogue: defineCatalogue({ "a.x": event() }) });
    expect(() => makeNode({ stages })).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringMatching(/stage bus of another catalogue: it has no stage "\w+"/),
      }),
    );
  });
});

describe("what handle is given", () => {
  it.each([[undefined], [null], [5], [[undefined]], [{}]])("refuses %j as a topic", (topic) => {
    const node = makeNode();
    expect(() => node.handle(topic as never, { group: "mailer" }, () => {})).toThrow(
      expect.objectContaining({ code: "UNKNOWN_TOPIC" }),
    );
  });

  it.each([[undefined], [null], ["mailer"], [{}]])("refuses %j as options", (options) => {
    const node = makeNode();
    expect(() => node.handle("order.placed", options as never, () => {})).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
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
  it("refuse headers that are the library's own", async () => {
    const node = await startNode();
    const headers = { "Ringrift-Node": "other" };
    await expect(
      node.publish("order.placed", { id: "A-1", cents: 1 }, { headers }),
    ).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

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
