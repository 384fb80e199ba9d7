import { describe, expect, test } from "vitest";
import { checkScripts } from "../src/differential/check-scripts.ts";
import { type EventQueue, type LeasedEvent, MemoryEventQueue, MemoryLog } from "../src/index.ts";
import { type QueueFactory, testSameAsMemory } from "../src/testing.ts";

/** Memory queues, each of them changed by `spoil`. */
function memory(spoil: (queue: EventQueue) => void = () => {}): QueueFactory {
  return async () => {
    let log: MemoryLog | undefined;
    return {
      open: ({ dedupeWindowMs, retentionMs } = {}) => {
        log ??= new MemoryLog({ dedupeWindowMs, retentionMs });
        const queue = new MemoryEventQueue({ log });
        spoil(queue);
        return queue;
      },
      dispose: async () => {},
    };
  };
}

/** Memory queues whose leases are changed by `spoil`. */
function leases(spoil: (event: LeasedEvent) => Partial<LeasedEvent>): QueueFactory {
  return memory((queue) => {
    const group = queue.group.bind(queue);
    queue.group = (...of) => {
      const member = group(...of);
      const receive = member.receive.bind(member);
      member.receive = async (options) =>
        (await receive(options)).map((event) => Object.assign(event, spoil(event)));
      return member;
    };
  });
}

/** A seed makes these tests the same each time; any other finds what they find. */
const CHECK = { runs: 300, mostCommands: 40, seed: 1 };

testSameAsMemory("MemoryEventQueue", memory(), { runs: 50 });

const forgetsKeys = memory((queue) => {
  const send = queue.send.bind(queue);
  queue.send = (type, payload, options) => send(type, payload, { ...options, key: undefined });
});

const redrivesOnDryRuns = memory((queue) => {
  const redrive = queue.deadLetters.redrive.bind(queue.deadLetters);
  queue.deadLetters.redrive = (filter) => redrive({ ...filter, dryRun: false });
});

describe("a queue that isn't the same is found out", () => {
  const broken: Readonly<Record<string, QueueFactory>> = {
    "forgets keys": forgetsKeys,
    "redrives on dry runs": redrivesOnDryRuns,
    "stores something of what it refuses": memory((queue) => {
      const send = queue.send.bind(queue);
      const sendMany = queue.sendMany.bind(queue);
      queue.sendMany = async (events) =>
        sendMany(events).catch(async (error: unknown) => {
          await send("A", "left behind");
          throw error;
        });
    }),
    "remembers a dedupe key for a millisecond too long": memory((queue) => {
      const send = queue.send.bind(queue);
      const stored = new Map<string, number>();
      queue.send = async (type, payload, options) => {
        const key = options?.dedupeKey;
        if (key !== undefined && Date.now() - (stored.get(key) ?? 0) === 600_000) {
          throw new Error("It is known.");
        }
        const event = await send(type, payload, options);
        if (key !== undefined && event.duplicate !== true) stored.set(key, event.storedAt);
        return event;
      };
    }),
    "tries again at once, whatever a nack says": leases((event) => {
      const nack = event.nack.bind(event);
      return { nack: (options) => nack({ ...options, delayMs: 0 }) };
    }),
    "says that an ack was done though the lease was lost": leases((event) => {
      const ack = event.ack.bind(event);
      return { ack: async () => (await ack()) || true };
    }),
    "streams what a stream doesn't ask for": memory((queue) => {
      const stream = queue.stream.bind(queue);
      queue.stream = (options) => stream({ ...options, eventTypes: undefined });
    }),
    "seeks too far by one": memory((queue) => {
      const seek = queue.groups.seek.bind(queue.groups);
      queue.groups.seek = (name, from) =>
        typeof from === "object" && "position" in from
          ? seek(name, { position: from.position + 1 })
          : seek(name, from);
    }),
    "answers though it is closed": memory((queue) => {
      queue.close = async () => {};
    }),
  };

  test.for(Object.entries(broken))("one that %s", { timeout: 300_000 }, async ([, factory]) => {
    expect(await checkScripts(factory, CHECK)).toMatch(/^After\n[^]*; in memory /);
  });

  test("by a script that can be read, as short as it can be", { timeout: 300_000 }, async () => {
    const found = await checkScripts(redrivesOnDryRuns, CHECK);
    const lines = found?.split("\n") ?? [];
    expect(lines.slice(0, 3)).toEqual(["After", "groups: { one: {} },", "commands: ["]);
    const commands = lines.slice(3, lines.indexOf("],"));
    const deeds = commands.map((line) => /do: "(\w+)"/.exec(line)?.[1]);
    expect(deeds.at(-1)).toBe("redrive");
    expect(deeds.length).toBeLessThan(7);
    expect(lines.at(-2)).toMatch(/; in memory /);
  });

  test("by a script that its seed and path play again", { timeout: 300_000 }, async () => {
    const found = await checkScripts(forgetsKeys, CHECK);
    const [, seed, path] = /seed: (-?\d+), path: "([\d:]+)"/.exec(found ?? "") ?? [];
    const again = await checkScripts(forgetsKeys, { ...CHECK, seed: Number(seed), path });
    const script = /^After\n[^]*\],\n/;
    expect(again).toMatch(script);
    expect(script.exec(again ?? "")?.[0]).toBe(script.exec(found ?? "")?.[0]);
  });
});
