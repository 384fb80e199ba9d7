/** Runs one example by name in a folder of its own; without a name, lists them. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findExample, listExamples } from "./harness/list.ts";
import { startExample } from "./harness/start.ts";

const name = process.argv.slice(2).find((argument) => argument !== "--");

if (name === undefined || name === "--help" || name === "-h") {
  const examples = listExamples();
  const width = Math.max(...examples.map((example) => example.name.length));
  console.log("Run one with: npx -y pnpm@12 example <name>\n");
  for (const example of examples)
    console.log(`  ${example.name.padEnd(width)}  ${example.summary}`);
} else {
  await run(name);
}

async function run(name: string): Promise<void> {
  const example = findExample(name);
  if (!example) {
    const names = listExamples().map((known) => known.name);
    console.error(`There is no example "${name}". There are: ${names.join(", ")}.`);
    process.exitCode = 2;
    return;
  }
  // A fresh folder, so that an example finds no events of its last run.
  const cwd = mkdtempSync(join(tmpdir(), "ringrift-example-"));
  try {
    const child = startExample(example.file, { cwd, stdio: "inherit" });
    // Ctrl-C reaches the example too, and how it ends is its own business: we only wait for it.
    process.on("SIGINT", () => undefined);
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    const [code] = await once(child, "exit");
    process.exitCode = typeof code === "number" ? code : 1;
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
