import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { createLineage } from "@ringrift/envelope";
import Database from "better-sqlite3";
import type { SampledCandidate, SampledScenario, Sampler } from "../runner/scenario.ts";
import { TemporaryFolder } from "./folder.ts";
import { payload } from "./payload.ts";

type Survives = "process-crash" | "power-loss";

const TYPE = "TICK";
const LIMIT = "raw inserts";
/** The limit writes what ours does, and computes nothing. */
const SOME_CHECKSUM = 0xdeadbeef;
/** The index by type follows the log in blocks of so many, in both. */
const BLOCK = 256;
/** What a sample writes: a tenth of a second's, about. */
const EVENTS = { together: 10_000, single: { "process-crash": 2_000, "power-loss": 400 } } as const;

/**
 * Events stored before a sample is taken. Until then the write-ahead log grows, and each sync brings what the file system
 * notes of that to the disk as well; afterwards it begins anew in the same place, as it goes on doing.
 */
const WARM_UP = 2_000;

/** One process that stores events, and the same rows by bare better-sqlite3. */
export const insertScenarios: readonly SampledScenario[] = (
  ["process-crash", "power-loss"] as const
).flatMap((survives) => [
  scenario({
    id: `send-many-100-${survives}`,
    title: `sendMany of 100, ${survives}`,
    operation: "One event, stored 100 at a time by one process.",
    survives,
    events: EVENTS.together,
    rawRows: 100,
    atLeast: 0.8,
    send: async (queue, events) => {
      const event = { type: TYPE, payload };
      for (let sent = 0; sent < events; sent += 100) {
        await queue.sendMany(Array.from({ length: 100 }, () => event));
      }
    },
  }),
  scenario({
    id: `send-1000-at-once-${survives}`,
    title: `1,000 concurrent sends, ${survives}`,
    operation: "One event, sent by itself together with 999 others.",
    survives,
    events: EVENTS.together,
    rawRows: 100,
    atLeast: 0.6,
    send: async (queue, events) => {
      for (let sent = 0; sent < events; sent += 1000) {
        await Promise.all(Array.from({ length: 1000 }, () => queue.send(TYPE, payload)));
      }
    },
  }),
  scenario({
    id: `send-1-${survives}`,
    title: `sequential awaited send, ${survives}`,
    operation: "One event, awaited before the next.",
    survives,
    events: EVENTS.single[survives],
    rawRows: 1,
    atLeast: 0.7,
    send: async (queue, events) => {
      for (let sent = 0; sent < events; sent += 1) await queue.send(TYPE, payload);
    },
  }),
]);

interface Shape {
  readonly id: string;
  readonly title: string;
  readonly operation: string;
  readonly survives: Survives;
  readonly events: number;
  /** Rows that the limit inserts in one transaction. */
  readonly rawRows: number;
  readonly atLeast: number;
  readonly send: (queue: CrossProcessEventQueue, events: number) => Promise<void>;
}

function scenario(shape: Shape): SampledScenario {
  const { id, title, operation, survives, rawRows, atLeast } = shape;
  const synchronous = survives === "power-loss" ? "FULL" : "NORMAL";
  const note = `better-sqlite3 alone: the same table and indexes, synchronous=${synchronous}, ${rawRows} rows a transaction, a row a statement; ids made before, payloads stringified`;
  return {
    kind: "sampled",
    id,
    title,
    operation,
    base: LIMIT,
    candidates: [
      { name: LIMIT, note, open: () => openRaw(shape, synchronous) },
      { name: "cross-process-queue", open: () => openOurs(shape) } satisfies SampledCandidate,
    ],
    targets: [{ candidate: "cross-process-queue", base: LIMIT, atLeast }],
  };
}

async function openOurs({ survives, events, send }: Shape): Promise<Sampler> {
  const folder = new TemporaryFolder();
  const queue = new CrossProcessEventQueue(folder.file("queue.db"), { survives });
  await send(queue, Math.max(WARM_UP, events));
  return {
    sample: () => timed(events, () => send(queue, events)),
    async close() {
      await queue.close();
      folder[Symbol.dispose]();
    },
  };
}

async function openRaw({ events, rawRows }: Shape, synchronous: string): Promise<Sampler> {
  const folder = new TemporaryFolder();
  const path = folder.file("queue.db");
  // It makes the table.
  const queue = new CrossProcessEventQueue(path);
  await queue.send(TYPE, payload);
  await queue.close();
  const database = new Database(path);
  database.pragma(`synchronous = ${synchronous}`);
  const insert = database.prepare(
    `INSERT INTO ringrift_events (position, id, type, payload, time, source, origin, stored_at, checksum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const index = database.prepare(
    "INSERT INTO ringrift_event_types SELECT type, position FROM ringrift_events WHERE position > ? AND position <= ?",
  );
  const moveIndex = database.prepare("UPDATE ringrift_event_types_end SET position = ?");
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  let position = 1;
  let indexed = 0;
  const write = async (): Promise<number> => {
    const ids = Array.from({ length: events }, () => createLineage({}));
    return timed(events, async () => {
      for (let row = 0; row < events; row += rawRows) {
        begin.run();
        for (const { id, origin } of ids.slice(row, row + rawRows)) {
          const now = Date.now();
          position += 1;
          insert.run(
            position,
            id,
            TYPE,
            JSON.stringify(payload),
            now,
            "",
            origin,
            now,
            SOME_CHECKSUM,
          );
        }
        if (position - indexed >= BLOCK) {
          index.run(indexed, position);
          moveIndex.run(position);
          indexed = position;
        }
        commit.run();
      }
    });
  };
  while (position < WARM_UP) await write();
  return {
    sample: write,
    async close() {
      database.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Nanoseconds an event. */
async function timed(events: number, work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return ((performance.now() - begin) * 1e6) / events;
}
