import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

/** CI sets it to 5000. */
const SEEDS = Number(process.env["SIMULATION_SEEDS"] ?? 200);
const MAIN = join(import.meta.dirname, "../src/main.ts");

/** Runs a range of seeds in a process of its own; what came of them. */
function simulate(from: number, to: number): Promise<string> {
  const given = ["--conditions=@ringrift/source", MAIN, "--seeds", `${from}-${to}`];
  return new Promise((resolve) => {
    execFile(process.execPath, given, (error, told, complained) => {
      resolve(error ? `${told}${complained || error.message}` : "held");
    });
  });
}

test(`${SEEDS} seeds hold`, { timeout: 900_000 }, async () => {
  const processes = Math.min(availableParallelism(), 8);
  const share = Math.ceil(SEEDS / processes);
  const ranges = Array.from({ length: processes }, (_, index) => {
    return simulate(index * share + 1, Math.min((index + 1) * share, SEEDS));
  });
  expect(await Promise.all(ranges)).toEqual(ranges.map(() => "held"));
});
