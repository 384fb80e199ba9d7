import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const LEFT_OUT = /[/\\](?:node_modules|dist|data|\.git|\.turbo)(?:[/\\]|$)/;
/** What stands above all packages: programs, and tests of several packages. */
const APPS = [
  "@ringrift/bench",
  "@ringrift/simulation",
  "@ringrift/torture",
  "demo-pipeline",
  "examples",
  "workspace-tests",
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "retests-"));
  cpSync(root, folder, {
    recursive: true,
    filter: (path) => !LEFT_OUT.test(path.slice(root.length)),
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** By package: the hash of its tests, which turbo runs again when it changes. */
function hashes(env: NodeJS.ProcessEnv = {}): Map<string, string> {
  const turbo = join(root, "node_modules/.bin/turbo");
  const { stdout, stderr } = spawnSync(turbo, ["run", "test", "--dry=json", "--cwd", folder], {
    encoding: "utf8",
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", ...env },
  });
  if (!stdout.startsWith("{")) throw new Error(stderr);
  // The cast is safe: what turbo prints of a dry run.
  const { tasks } = JSON.parse(stdout) as {
    tasks: { task: string; package: string; hash: string; command: string }[];
  };
  const tests = tasks.filter(({ task, command }) => task === "test" && command.includes("vitest"));
  return new Map(tests.map((one) => [one.package, one.hash]));
}

/** Packages that are tested again after a change. */
function retested(change: () => void, env?: NodeJS.ProcessEnv): string[] {
  const before = hashes();
  change();
  const after = hashes(env);
  return [...after.keys()].filter((name) => before.get(name) !== after.get(name)).toSorted();
}

const edit = (file: string) => () => appendFileSync(join(folder, file), "\n");

test("a change of the catalogue tests again what is built on it, and nothing else", () => {
  const built = ["@ringrift/coordinator", "@ringrift/mappings", "@ringrift/stage-events"];
  expect(retested(edit("packages/mappings/src/index.ts"))).toEqual([...APPS, ...built].toSorted());
});

test("a change of a package's tests tests that package again", () => {
  expect(retested(edit("packages/envelope/test/lineage.test.ts"))).toEqual(["@ringrift/envelope"]);
});

test("another Node.js or server tests everything again", () => {
  const all = [...hashes().keys()].toSorted();
  expect(all).toContain("@ringrift/nats-queue");
  expect(retested(() => {}, { TEST_ON: "v99.0.0" })).toEqual(all);
});
