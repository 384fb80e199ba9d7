/** Prints `N passed, N failed, N skipped` from vitest's JSON report and the output of `pnpm check`. */
import { readFileSync } from "node:fs";

const [reportFile = "", checkFile = ""] = process.argv.slice(2);
const report = JSON.parse(readFileSync(reportFile, "utf8")) as {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  testResults: { status: string; assertionResults: unknown[] }[];
};
const check = /check: (\d+) passed, (\d+) failed/.exec(readFileSync(checkFile, "utf8"));
// A file that fails before its first test has no assertion to count; it must not vanish.
const brokenFiles = report.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.length === 0,
).length;

const passed = report.numPassedTests + Number(check?.[1] ?? 0);
const failed = report.numFailedTests + brokenFiles + Number(check?.[2] ?? 1);
console.log(`${passed} passed, ${failed} failed, ${report.numPendingTests} skipped`);
process.exitCode = failed === 0 && report.numPassedTests > 0 ? 0 : 1;
