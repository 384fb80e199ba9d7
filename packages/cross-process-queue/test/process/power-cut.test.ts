import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { expect, type TestContext, test } from "vitest";
import type { Survives } from "../../src/index.ts";
import { openQueue, tempFolder, tempPath } from "../temp-queue.ts";
import { Child } from "./child.ts";

/** The interposed layer, compiled; the test is skipped where that can't be done. */
function compileLayer(context: TestContext): string {
  if (process.platform !== "linux") context.skip("The layer needs Linux's preloading and /proc.");
  const source = fileURLToPath(new URL("fixtures/keep-synced.c", import.meta.url));
  const library = join(tempFolder(), "keep-synced.so");
  const compiler = process.env["CC"] ?? "cc";
  const { error, status, stderr } = spawnSync(
    compiler,
    ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"],
    { encoding: "utf8" },
  );
  if (error !== undefined) context.skip(`There is no C compiler "${compiler}" for the layer.`);
  expect([status, stderr]).toEqual([0, ""]);
  return library;
}

interface Outcome {
  readonly acknowledged: number;
  readonly lost: number;
  readonly integrity: unknown;
  readonly gaps: number;
}

/** Two publishers at full speed until the power is cut; then what was acknowledged is looked for. */
async function cutPower(
  library: string,
  survives: Survives,
  checkpointPages: number,
): Promise<Outcome> {
  const path = tempPath();
  const image = join(dirname(path), "image");
  mkdirSync(image);
  const environment = {
    LD_PRELOAD: library,
    KEEP_SYNCED_FROM: path,
    KEEP_SYNCED_TO: image,
  };
  const publishers = [1, 8].map(
    (outstanding) =>
      new Child("publisher", { path, outstanding, survives, checkpointPages }, environment),
  );
  await Promise.all(publishers.map((publisher) => publisher.count("stored", 50)));
  await sleep(200 + Math.random() * 300);
  await Promise.all(publishers.map((publisher) => publisher.kill()));
  const told = publishers.flatMap(({ lines }) => lines.flatMap(({ id }) => id ?? []));
  // Under its own name, without the shared memory that a power cut takes as well.
  const after = join(tempFolder(), "events.db");
  for (const suffix of ["", "-wal"]) {
    copyFileSync(join(image, `events.db${suffix}`), `${after}${suffix}`);
  }
  const events = await openQueue(after).history({ limit: 100_000 });
  const there = new Set(events.map(({ id }) => id));
  const database = new Database(after);
  const integrity = database.pragma("integrity_check", { simple: true });
  database.close();
  return {
    acknowledged: told.length,
    lost: told.filter((id) => !there.has(id)).length,
    integrity,
    gaps: events.filter(({ position }, index) => position !== index + 1).length,
  };
}

const ROUNDS = 4;

test("a power cut takes nothing that was acknowledged", { timeout: 60_000 }, async (context) => {
  const library = compileLayer(context);
  for (let round = 0; round < ROUNDS; round += 1) {
    // So few that the log is taken into the database, and begun anew, again and again.
    const { acknowledged, ...rest } = await cutPower(library, "power-loss", 60);
    expect(acknowledged).toBeGreaterThan(100);
    expect(rest).toEqual({ lost: 0, integrity: "ok", gaps: 0 });
  }
});

test(
  "with process-crash a power cut does take some, and leaves a log without holes",
  { timeout: 60_000 },
  async (context) => {
    const library = compileLayer(context);
    // So many that nothing is synced on the way.
    const { lost, ...rest } = await cutPower(library, "process-crash", 100_000);
    expect(lost).toBeGreaterThan(0);
    expect(rest).toMatchObject({ integrity: "ok", gaps: 0 });
  },
);
