/**
 * `pnpm test`: the tests of every package, each as a task of turbo. One whose sources, dependencies, Node.js and servers are as
 * when it passed isn't run again; `--force` runs all of them, `--filter mappings` those of one package. Ends with
 * `N passed, N failed, N skipped` over all of them.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** What of vitest's JSON report is counted. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
}

interface Task {
  readonly task: string;
  readonly directory: string;
  readonly command: string;
}

const given = process.argv.slice(2);
const NATS = process.env["NATS_SERVER"] ?? "nats-server";
const OLDER_NATS = process.env["NATS_SERVER_OLDER"] ?? "nats-server";
const versions = [NATS, OLDER_NATS].map((server) => output(server, ["--version"]) || "none");
const env = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
  // A part of each task's hash.
  TEST_ON: [process.version, process.platform, process.arch, ...versions].join(", "),
};

const run = ["run", "test", "test:repository", ...given];
// The cast is safe: what turbo prints of a dry run.
const planned = JSON.parse(output("turbo", [...run, "--dry=json"])) as { readonly tasks: Task[] };
const reports = planned.tasks
  .filter(({ command }) => command.startsWith("vitest"))
  .map(({ directory, task }) => join(directory, `.turbo/${task.replace(":", "-")}.json`));
for (const report of reports) rmSync(report, { force: true });
const { status } = spawnSync("turbo", [...run, "--continue", "--output-logs=new-only"], {
  stdio: "inherit",
  env,
});

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const file of reports) {
  const report = read(file);
  // One that ended before it could say anything, and a file that fails before its first test, must not vanish.
  const broken = report?.testResults.filter(
    (one) => one.status === "failed" && one.assertionResults.length === 0,
  );
  counts.passed += report?.numPassedTests ?? 0;
  counts.failed += report === undefined ? 1 : report.numFailedTests + (broken?.length ?? 0);
  counts.skipped += report?.numPendingTests ?? 0;
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = status === 0 && counts.failed === 0 && counts.passed > 0 ? 0 : 1;

function output(command: string, args: readonly string[]): string {
  return spawnSync(command, args, { encoding: "utf8", env: process.env }).stdout?.trim() ?? "";
}

function read(file: string): Report | undefined {
  try {
    // The cast is safe: written by vitest.
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return undefined;
  }
}
