import { type EventQueue } from "@ringrift/event-queue";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { Actor, MODEL_OPTIONS } from "./model/actor.ts";
import { Comparison, plain } from "./model/comparison.ts";
import type { Member, Recruit } from "./model/member.ts";
import { choice, scripts } from "./model/steps.ts";
import { tempPath } from "./temp-queue.ts";

const { now: realNow } = Date;
afterEach(() => {
  Date.now = realNow;
});

/** Members of this process: they crash by being left alone, with their handles open. */
function localMembers(open: (path: string) => EventQueue): {
  recruit: Recruit;
  closeAll(): Promise<void>;
} {
  const opened: EventQueue[] = [];
  const begin = (path: string): Actor => {
    const actor = new Actor(open(path));
    opened.push(actor.queue);
    return actor;
  };
  const recruit: Recruit = async (path, now) => {
    const setClock = async (time: number): Promise<void> => {
      Date.now = () => time;
    };
    await setClock(now);
    let actor = begin(path);
    const member: Member = {
      isProcess: false,
      take: async (deed) => plain(await actor.take(deed)),
      state: async () => plain(await actor.state()),
      reopen: async () => {
        await actor.queue.close();
        actor = begin(path);
      },
      setClock,
      crash: async () => {},
    };
    return member;
  };
  return {
    recruit,
    closeAll: async () => {
      for (const queue of opened) await queue.close();
    },
  };
}

/** Scripts without deeds that are cut: who is left alone goes on with what it was asked for. */
const uncutScripts = scripts.map((script) => script.filter((step) => step.do !== "cut"));

function property(open: (path: string) => EventQueue): fc.IAsyncProperty<[unknown]> {
  return fc.asyncProperty(uncutScripts, async (script) => {
    const members = localMembers(open);
    const comparison = new Comparison(tempPath(), members.recruit);
    try {
      await comparison.play(script);
    } finally {
      await members.closeAll();
      await comparison.end();
    }
  });
}

const openFile = (path: string): CrossProcessEventQueue =>
  new CrossProcessEventQueue(path, { ...MODEL_OPTIONS, survives: "process-crash" });

test(
  "whatever is done, whoever is gone and whatever the clock says: the file says what the model in memory says",
  { timeout: 600_000 },
  async () => {
    await fc.assert(property(openFile), choice(60));
  },
);

test("a queue that forgets keys is found out, by a short trace", { timeout: 60_000 }, async () => {
  const openBroken = (path: string): EventQueue => {
    const queue = openFile(path);
    const send = queue.send.bind(queue);
    queue.send = (type, payload, options) => send(type, payload, { ...options, key: undefined });
    return queue;
  };
  const found = await fc.check(property(openBroken), { numRuns: 100, seed: 1 });
  expect(found.failed).toBe(true);
  expect(String(found.errorInstance)).toMatch(/^Error: After\n1\. send, by 0, type "K"\n/);
});
