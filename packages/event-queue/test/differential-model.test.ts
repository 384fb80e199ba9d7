import { expect, describe, test } from "vitest";
import type { EventQueue, LeasedEvent } from "../src/index.ts";
import { MemoryEventQueue, MemoryLog } from "../src/index.ts";
import { checkScripts } from "../src/differential/check-scripts.ts";
import { findDifference } from "../src/differential/find-difference.ts";
import { type QueueFactory, testSameAsMemory } from "../src/testing.ts";

/** Memory queues, each changed by `spoil`. */
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
function memoryLeasing(spoil: (event: LeasedEvent) => Partial<LeasedEvent>): QueueFactory {
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

testSameAsMemory("MemoryEventQueue", memory(), { runs: 50 });

describe("a queue that isn't the same is found out", () => {
  const broken: Readonly<Record<string, QueueFactory>> = {
    "forgets keys": memory((queue) => {
      const send = queue.send.bind(queue);
      queue.send = (type, payload, options) => send(type, payload, { ...options, key: undefined });
    }),
    "stores what comes before a bad event": memory((queue) => {
      const { sendMany, send } = queue;
      queue.sendMany = async (events) =>
        sendMany.call(queue, events).catch(async (error: unknown) => {
          const [first] = events;
          if (first !== undefined) await send.call(queue, first.type, first.payload);
          throw error;
        });
    }),
    "takes an event for a new one though its id is known": memory((queue) => {
      const send = queue.send.bind(queue);
      queue.send = (type, payload, { lineage: _, ...options } = {}) => send(type, payload, options);
    }),
    "never remembers a dedupe key": memory((queue) => {
      const send = queue.send.bind(queue);
      queue.send = (type, payload, options) =>
        send(type, payload, { ...options, dedupeKey: undefined });
    }),
    "forgets delays": memory((queue) => {
      const send = queue.send.bind(queue);
      queue.send = (type, payload, options) =>
        send(type, payload, { ...options, delayMs: undefined });
    }),
    "tries again at once, whatever a nack says": memoryLeasing((event) => {
      const nack = event.nack.bind(event);
      return { nack: (options) => nack({ ...options, delayMs: 0 }) };
    }),
    "tries again what never will succeed": memoryLeasing((event) => {
      const nack = event.nack.bind(event);
      return { nack: (options) => nack({ ...options, reason: "again" }) };
    }),
    "says that an ack was done though the lease was lost": memoryLeasing((event) => {
      const ack = event.ack.bind(event);
      return { ack: async () => (await ack()) || true };
    }),
    "extends a lease by twice the time": memoryLeasing((event) => {
      const extend = event.extend.bind(event);
      return { extend: (ms) => extend(2 * ms) };
    }),
    "has the end of a history in it": memory((queue) => {
      const history = queue.history.bind(queue);
      queue.history = (options) =>
        history({ ...options, until: options?.until && Number(options.until) + 1 });
    }),
    "gives a stream its events in another order": memory((queue) => {
      const stream = queue.stream.bind(queue);
      queue.stream = (options) => stream({ ...options, eventTypes: undefined });
    }),
    "seeks to one event later": memory((queue) => {
      const seek = queue.groups.seek.bind(queue.groups);
      queue.groups.seek = (name, from) =>
        seek(
          name,
          typeof from === "object" && "position" in from ? { position: from.position + 1 } : from,
        );
    }),
    "redrives what a filter doesn't ask for": memory((queue) => {
      const redrive = queue.deadLetters.redrive.bind(queue.deadLetters);
      queue.deadLetters.redrive = ({ limit: _, ...filter }) => redrive(filter);
    }),
    "redrives on a dry run": memory((queue) => {
      const redrive = queue.deadLetters.redrive.bind(queue.deadLetters);
      queue.deadLetters.redrive = (filter) => redrive({ ...filter, dryRun: false });
    }),
    "lets two claim one group": memory((queue) => {
      const claim = queue.groups.claim.bind(queue.groups);
      queue.groups.claim = (name, options) => claim(name, { ...options, holder: "anybody" });
    }),
    "answers when it is closed": memory((queue) => {
      queue.close = async () => {};
    }),
  };

  test.for(Object.entries(broken))("one that %s", { timeout: 300_000 }, async ([, factory]) => {
    const found = await checkScripts(factory, { runs: 1_000, mostCommands: 40 });
    console.log(found);
    expect(found).toBeDefined();
  });
});
