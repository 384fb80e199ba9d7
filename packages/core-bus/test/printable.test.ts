import { EventEmitter } from "eventemitter3";
import { describe, expect, it } from "vitest";
import { createEventBus, fromEventEmitter, toEventEmitter } from "../src/index.ts";

const HOSTILE = "\u001b]0;pwn\u0007\u001b[2J\u202e\u0085\nINFO forged";
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

async function failureOf(fail: () => unknown): Promise<Error & { code?: string }> {
  try {
    await fail();
  } catch (cause) {
    return cause as Error;
  }
  throw new Error("It did not fail.");
}

describe("a text from outside is written out in every error", () => {
  const bus = createEventBus({ schemas: { a: schemaOf([{ message: HOSTILE, path: [HOSTILE] }]) } });
  const open = createEventBus({ onError: () => {} });
  const closed = createEventBus();
  void closed.close();

  it.each<[string, () => unknown]>([
    ["a topic", () => open.publishSync(`a${HOSTILE}`)],
    ["a topic with wildcards", () => open.publishSync(`*${HOSTILE}`)],
    ["a topic of a closed bus", () => closed.publishSync(`a${HOSTILE}`)],
    ["a pattern", () => open.subscribePattern(`*${HOSTILE}`, () => {})],
    ["a selection of a closed bus", () => closed.subscribePattern(`*${HOSTILE}`, () => {})],
    ["a selection that is none", () => open.subscribe(Symbol(HOSTILE) as never, () => {})],
    ["the name of an option", () => open.subscribe("a", () => {}, { [HOSTILE]: 1 } as never)],
    ["the value of an option", () => open.subscribe("a", () => {}, { priority: HOSTILE as never })],
    ["the name of an emitter's event", () => toEventEmitter(open).emit(`a:${HOSTILE}`)],
    [
      "the name of an event that is carried over",
      () =>
        fromEventEmitter(new EventEmitter(), open, {
          [HOSTILE]: { topic: "a", payload: 1 as never },
        }),
    ],
    ["the issues of a schema", () => bus.publish("a", 1)],
    [
      "what a handler threw",
      async () => {
        const named = { name: HOSTILE };
        open.subscribe("b", () => Promise.reject(new Error(HOSTILE)), named);
        throw (await open.publish("b")).errors[0]!;
      },
    ],
    [
      "a RegExp",
      async () => {
        const topicPattern = new RegExp(`c|${HOSTILE.replaceAll(/[[\]]/g, "")}`);
        open.subscribe({ topicPattern }, () => Promise.reject(new Error()));
        throw (await open.publish("c")).errors[0]!;
      },
    ],
  ])("%s", async (_, fail) => {
    const failure = await failureOf(fail);
    expect(failure.code).toEqual(expect.any(String));
    expect(failure.message).not.toMatch(UNSEEN);
  });
});

describe("a process warning", () => {
  it("drives no terminal and forges no line, in its details either", async () => {
    const bus = createEventBus();
    const listeners = process.listeners("warning");
    process.removeAllListeners("warning");
    const warned = new Promise<Error & { detail?: string }>((resolve) =>
      process.once("warning", resolve),
    );
    bus.subscribe("a", () => {
      throw new Error(HOSTILE);
    });
    bus.publishSync("a");
    const { message, detail } = await warned;
    for (const listener of listeners) process.on("warning", listener);
    expect(message).not.toMatch(UNSEEN);
    const [first, second, ...rest] = detail!.split("\n");
    expect(first).toContain("\\nINFO forged");
    expect(second).toMatch(/^ +at /);
    expect([first, second, ...rest].join("")).not.toMatch(UNSEEN);
  });
});

function schemaOf(issues: readonly { message: string; path: readonly string[] }[]) {
  return {
    "~standard": { version: 1 as const, vendor: "test", validate: () => ({ issues }) },
  };
}
