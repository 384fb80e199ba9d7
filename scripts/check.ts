/**
 * `pnpm check`: everything but the tests, cheapest first, all of it even when a step fails.
 * Run by hand and by CI; ends with `N passed, N failed` and the exit code.
 */
import { spawnSync } from "node:child_process";

const steps: [name: string, command: string][] = [
  ["format", "oxfmt --check"],
  ["lint", "oxlint --type-aware"],
  // The bench names its peers exactly: a figure belongs to one version.
  [
    "versions",
    "sherif -i eventemitter3@5.0.4 -i @nats-io/jetstream@3.4.0 -i @nats-io/transport-node@3.4.0",
  ],
  ["layers", "turbo boundaries"],
  ["types", "tsc -b"],
  ["types of tests", "tsc -p tsconfig.test.json"],
  ["unused code", "knip"],
  ["packages", "turbo run check:package --output-logs=errors-only"],
  ["size", "node --conditions=@ringrift/source bench/src/main.ts size --check"],
  ["changesets", "changeset status"],
];

const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };
const failed: string[] = [];
for (const [name, command] of steps) {
  const begin = performance.now();
  const result = spawnSync(command, { shell: true, encoding: "utf8", env });
  const ok = result.status === 0;
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${ok ? "ok  " : "FAIL"} ${name} (${command}) ${seconds} s`);
  if (ok) continue;
  failed.push(name);
  console.log(result.stdout, result.stderr);
}
console.log(`check: ${steps.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
