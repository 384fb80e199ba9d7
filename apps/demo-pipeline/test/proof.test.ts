import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GroupInfo, StoredEvent } from "@ringrift/event-queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WORK_GROUPS, queueName } from "../src/catalogue.ts";
import type { DemoTopic, WorkGroup } from "../src/catalogue.ts";
import type { NodeEntry } from "../src/ledger.ts";
import { prove } from "../src/proof.ts";
import type { Evidence } from "../src/proof.ts";
import { RunFolder, sha256 } from "../src/run-folder.ts";

let folder: RunFolder;

beforeAll(() => {
  folder = new RunFolder(mkdtempSync(join(tmpdir(), "demo-proof-")));
  for (const path of ["games/1.games", "synced/1.games"]) folder.createOnce(path, "games");
  folder.createOnce("models/m1.model", "model");
});

afterAll(() => {
  rmSync(folder.path, { recursive: true });
});

const games = sha256(Buffer.from("games"));
const NODES = ["worker-1", "trainer"];

/** What one generation leaves in the log: topic → payload. */
const GENERATION: readonly (readonly [DemoTopic, Record<string, unknown>])[] = [
  ["selfplay.requested", { jobId: "1", iteration: 1 }],
  [
    "data.new_games",
    { jobId: "1", iteration: 1, files: [{ path: "games/1.games", sha256: games }] },
  ],
  ["data.sync_completed", { iteration: 1, files: [{ path: "synced/1.games", sha256: games }] }],
  ["training.started", { iteration: 1 }],
  [
    "training.completed",
    { iteration: 1, modelPath: "models/m1.model", checksum: sha256(Buffer.from("model")) },
  ],
  ["evaluation.completed", { iteration: 1 }],
  ["model.promoted", { iteration: 1 }],
];

/** A run of one generation in which everything went well. */
function soundRun(): { -readonly [K in keyof Evidence]: Evidence[K] } & {
  log: StoredEvent[];
  ledgers: NodeEntry[];
} {
  const log = GENERATION.map(([topic, payload], i): StoredEvent => ({
    id: `e${i}`,
    type: queueName(topic),
    payload,
    position: i + 1,
    headers: {},
    storedAt: i,
    attempt: 0,
    redelivered: false,
    time: i,
    source: "",
    origin: "o",
    correlationId: "c",
    via: [],
  }));
  const line = (i: number, more: Partial<NodeEntry>): NodeEntry => ({
    node: "worker-1",
    id: `e${i}`,
    topic: GENERATION[i]![0],
    attempt: 1,
    redelivered: false,
    outcome: "seen",
    group: "worker-1",
    time: i,
    startedAt: i,
    at: i,
    remote: true,
    ...more,
  });
  const ledgers: NodeEntry[] = [];
  for (const [i, [topic]] of GENERATION.entries()) {
    for (const node of NODES) {
      ledgers.push(line(i, { node, group: node, remote: node !== "trainer" }));
    }
    for (const [group, topics] of Object.entries(WORK_GROUPS)) {
      if (!(topics as readonly string[]).includes(topic)) continue;
      ledgers.push(line(i, { group, outcome: "applied", effectKey: `${group}/${i}` }));
    }
  }
  const groups = [...Object.keys(WORK_GROUPS), ...NODES].map(
    (name) => ({ name, pending: 0 }) as GroupInfo,
  );
  return { log, groups, deadLetters: [], ledgers, nodes: NODES, restarted: new Set() };
}

function failures(evidence: Evidence, required = { promotions: 1, rejections: 0 }): string[] {
  return prove(evidence, folder, { ...required, drillGeneration: 9 })
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);
}

function isWork(line: NodeEntry, group: WorkGroup): boolean {
  return line.group === group;
}

describe("the proof", () => {
  it("holds for a run in which everything went well", () => {
    expect(failures(soundRun())).toEqual([]);
  });

  it("finds an event that a group never handled", () => {
    const run = soundRun();
    run.ledgers = run.ledgers.filter((line) => !isWork(line, "syncing"));
    expect(failures(run)).toEqual(["group syncing: nothing lost"]);
  });

  it("finds an event that a group handled and nobody stored", () => {
    const run = soundRun();
    run.ledgers.push({ ...run.ledgers.find((line) => isWork(line, "syncing"))!, id: "ghost" });
    expect(failures(run)).toContain("group syncing: nothing lost");
  });

  it("finds events that are still pending, or dead", () => {
    const run = soundRun();
    const waiting = run.groups.find(({ name }) => name === "evaluation")!;
    run.groups = [...run.groups.filter((group) => group !== waiting), { ...waiting, pending: 1 }];
    expect(failures(run)).toEqual(["group evaluation: nothing lost"]);
    const dead = soundRun();
    dead.deadLetters = [{ id: "e5", group: "promotion" } as Evidence["deadLetters"][number]];
    expect(failures(dead)).toEqual(["group promotion: nothing lost"]);
  });

  it("finds an event that one node's bus has not had", () => {
    const run = soundRun();
    run.ledgers = run.ledgers.filter((line) => line.group !== "trainer" || line.id !== "e3");
    expect(failures(run)).toEqual(["every event came by on every node's bus"]);
  });

  it("finds an echo, but takes no redelivery for one", () => {
    const run = soundRun();
    const seen = run.ledgers.find(({ outcome }) => outcome === "seen")!;
    run.ledgers.push({ ...seen, redelivered: true, attempt: 2 });
    expect(failures(run)).toEqual([]);
    run.ledgers.push(seen);
    expect(failures(run)).toEqual(["no echoes"]);
  });

  it("finds an event that two processes call their own", () => {
    const run = soundRun();
    run.ledgers = run.ledgers.map((line) => Object.assign(line, { remote: false }));
    expect(failures(run)).toEqual(["no echoes"]);
  });

  it("excuses an event that never was stored only where its cause led to another one", () => {
    const run = soundRun();
    const own = run.ledgers.find(({ group, id }) => group === "trainer" && id === "e4")!;
    const unstored = { ...own, id: "unstored", remote: false };
    run.ledgers.push(unstored);
    expect(failures(run)).toEqual(["no echoes"]);
    run.ledgers = run.ledgers.map((line) =>
      line === unstored ? { ...line, causationId: "e2" } : line,
    );
    expect(failures(run)).toEqual(["no echoes"]);
    run.log = run.log.map((event) => (event.id === "e4" ? { ...event, causationId: "e2" } : event));
    expect(failures(run)).toEqual([]);
    // Where that node had it as its own it needn't have come by again; on another one it must.
    run.ledgers = run.ledgers.filter(({ group, id }) => group !== "trainer" || id !== "e4");
    expect(failures(run)).toEqual([]);
    run.ledgers = run.ledgers.filter(({ group, id }) => group !== "worker-1" || id !== "e4");
    expect(failures(run)).toEqual(["every event came by on every node's bus"]);
  });

  it("excuses an effect that nobody is known to have brought about only where an attempt failed", () => {
    const run = soundRun();
    const applied = run.ledgers.find(({ outcome }) => outcome === "applied")!;
    run.ledgers = run.ledgers.map((line) =>
      line === applied ? { ...line, outcome: "found" } : line,
    );
    expect(failures(run)).toEqual(["every effect once"]);
    const { effectKey: _, ...rest } = applied;
    run.ledgers.push({ ...rest, outcome: "failed" });
    expect(failures(run)).toEqual([]);
  });

  it("finds an effect that happened twice, but not one that was found again", () => {
    const run = soundRun();
    const applied = run.ledgers.find(({ outcome }) => outcome === "applied")!;
    run.ledgers.push({ ...applied, outcome: "found", redelivered: true });
    expect(failures(run)).toEqual([]);
    run.ledgers.push({ ...applied, redelivered: true });
    expect(failures(run)).toEqual(["every effect once"]);
  });

  it("finds doubled children", () => {
    const run = soundRun();
    const copy = { ...run.log[1]!, id: "copy" };
    run.log.push(copy);
    expect(failures(run)).toContain("one batch and one copy a job");
  });

  it("finds a generation without a verdict", () => {
    const run = soundRun();
    run.log.pop();
    expect(failures(run)).toContain("one training, gate and verdict a generation");
  });

  it("finds a file that isn't what its event promised", () => {
    writeFileSync(folder.at("models/m1.model"), "other");
    expect(failures(soundRun())).toEqual(["every file as its event promised"]);
    writeFileSync(folder.at("models/m1.model"), "model");
  });

  it("asks for enough promotions and rejections", () => {
    expect(failures(soundRun(), { promotions: 2, rejections: 0 })).toEqual([
      "the gate promotes and turns away",
    ]);
    expect(failures(soundRun(), { promotions: 1, rejections: 1 })).toEqual([
      "the gate promotes and turns away",
    ]);
  });

  it("doesn't forgive a promotion of the poisoned candidate", () => {
    const required = { promotions: 1, rejections: 0, drillGeneration: 1 };
    const checks = prove(soundRun(), folder, required);
    const drill = checks.find(({ name }) => name.startsWith("the drill"));
    expect(drill).toMatchObject({ ok: false });
  });
});
