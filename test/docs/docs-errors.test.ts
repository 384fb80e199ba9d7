import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ErrorDocsInput, inspectErrorDocs, readErrorDocs } from "./error-docs.ts";

const input = readErrorDocs(join(import.meta.dirname, "../.."));

describe("docs/errors.md", () => {
  it("has a row for each code that a package throws, and no other", () => {
    const found = inspectErrorDocs(input);
    expect(found.problems).toEqual([]);
    expect(found.unions).toBe(8);
    expect(found.codes).toBeGreaterThan(60);
    expect(found.warnings).toBeGreaterThan(3);
  });
});

describe("the check of docs/errors.md fails", () => {
  function problemsOf(change: Partial<ErrorDocsInput>): string[] {
    return inspectErrorDocs({ ...input, ...change }).problems;
  }

  function withSource(path: string, change: (text: string) => string): Partial<ErrorDocsInput> {
    const text = input.sources.get(path);
    expect(text, path).toBeDefined();
    return { sources: new Map([...input.sources, [path, change(text ?? "")]]) };
  }

  it("on a missing row", () => {
    const document = input.document.replace(/^\| `QUEUE_FULL`.*\n/m, "");
    expect(problemsOf({ document })).toEqual([
      'QueueErrorCode: "QUEUE_FULL" has no row in docs/errors.md.',
    ]);
  });

  it("on a row of a code that doesn't exist, also when another package has it", () => {
    const document = input.document.replace(/^(\| `)UNKNOWN_STAGE/m, "$1UNKNOWN_TOPIC");
    expect(problemsOf({ document })).toEqual([
      'StageEventsErrorCode: "UNKNOWN_STAGE" has no row in docs/errors.md.',
      'StageEventsErrorCode: the row "UNKNOWN_TOPIC" of docs/errors.md is of no such code.',
    ]);
  });

  it("on a row that is there twice, and on an empty cell", () => {
    const document = input.document.replace(
      /^\| `WAIT_TIMEOUT`.*\n/m,
      "$&| `WAIT_TIMEOUT` | x | |\n",
    );
    expect(problemsOf({ document })).toEqual([
      expect.stringContaining("the row `WAIT_TIMEOUT` has an empty cell"),
      'EventBusErrorCode: "WAIT_TIMEOUT" has two rows in docs/errors.md.',
    ]);
  });

  it("on a code that is added without a row", () => {
    const change = withSource("packages/coordinator/src/errors.ts", (text) =>
      text.replace('| "HANDLE_CONFLICT"', '| "HANDLE_CONFLICT" | "HANDLE_REFUSED"'),
    );
    expect(problemsOf(change)).toEqual([
      'CoordinatorErrorCode: "HANDLE_REFUSED" has no row in docs/errors.md.',
      'CoordinatorErrorCode: nothing throws "HANDLE_REFUSED". Take it out of the union.',
    ]);
  });

  it("on a code that is only compared with, or only named in a comment", () => {
    const change = withSource(
      "packages/mappings/src/catalogue/name-index.ts",
      (text) =>
        `${text.replace('"DUPLICATE_NAME"', '"INVALID_NAME"')}
         /* throws "DUPLICATE_NAME" */ // or "DUPLICATE_NAME"
         export const isDuplicate = (code: string) => code === "DUPLICATE_NAME";`,
    );
    expect(problemsOf(change)).toEqual([
      'CatalogueErrorCode: nothing throws "DUPLICATE_NAME". Take it out of the union.',
    ]);
  });

  it("on a process warning without a row", () => {
    const change = withSource("packages/core-bus/src/signals/failure-report.ts", (text) =>
      text.replace("RINGRIFT_HANDLER_ERROR", "RINGRIFT_HANDLER_LOST"),
    );
    expect(problemsOf(change)).toEqual([
      'Process warnings: "RINGRIFT_HANDLER_LOST" has no row in docs/errors.md.',
      'Process warnings: the row "RINGRIFT_HANDLER_ERROR" of docs/errors.md is of no such code.',
    ]);
  });

  it("on a union that it can't read", () => {
    const change = withSource("packages/envelope/src/host/errors.ts", () => "export class E {}");
    expect(() => problemsOf(change)).toThrow("has no union");
  });
});
