import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findRepetitions } from "./repeated-lines.ts";

/** What the API of all queues is for: see docs/writing-a-backend.md. */
const MOST_EQUAL_LINES = 5;
const packages = join(import.meta.dirname, "../../packages");

it("no run of six equal lines stands in two backends", () => {
  const { repetitions, lines } = findRepetitions(
    ["event-queue/src/memory", "cross-process-queue/src", "nats-queue/src"].map((folder) =>
      join(packages, folder),
    ),
    MOST_EQUAL_LINES + 1,
  );
  expect(repetitions).toEqual([]);
  expect(lines).toBeGreaterThan(5_000);
});

it("a run that is only indented differently, and commented, is found", () => {
  const root = mkdtempSync(join(tmpdir(), "ringrift-repetition-"));
  const code = ["const a = 1;", "const b = 2;", "let c = a;", "c += b;", "c += 1;", "use(c);"];
  const folders = ["one", "two"].map((name) => mkdtempSync(join(root, name)));
  writeFileSync(
    join(folders[0] ?? "", "a.ts"),
    `import { use } from "./use.ts";\n${code.join("\n")}\n`,
  );
  writeFileSync(join(folders[1] ?? "", "b.ts"), `// Why.\n  ${code.join("\n\n  ")}\n}\n`);
  const { repetitions } = findRepetitions(folders, 6);
  rmSync(root, { recursive: true });
  expect(repetitions).toMatchObject([
    { places: [expect.stringMatching(/a\.ts:2$/), expect.stringMatching(/b\.ts:2$/)] },
  ]);
});
