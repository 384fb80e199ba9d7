import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkSnippets, extractSnippets, findSnippets } from "./snippets.ts";

const root = join(import.meta.dirname, "../..");

describe("the TypeScript in READMEs and documents", () => {
  it("compiles as pasted, each block by itself", async () => {
    const { files, snippets } = findSnippets(root);
    const skipped = snippets.filter(({ checked }) => !checked);
    console.log(
      [
        `${snippets.length - skipped.length} blocks of TypeScript in ${files} Markdown files checked, ${skipped.length} skipped`,
        ...skipped.map(({ file, line }) => `  skipped (no-check): ${file}:${line}`),
      ].join("\n"),
    );
    expect(await checkSnippets(root, snippets)).toEqual([]);
    expect(snippets.length - skipped.length).toBeGreaterThan(15);
    expect(snippets.filter(({ file }) => file === "README.md")).not.toEqual([]);
  });
});

describe("the check of the blocks", () => {
  const markdown = [
    "# A package",
    "```sh",
    "npm install it",
    "```",
    "1. First:",
    "",
    "   ```ts",
    '   import { createEventBus } from "@ringrift/core-bus";',
    "   const unused = await createEventBus().publish('order.placed', { n: 1 });",
    "   ```",
    "",
    "````md",
    "```ts",
    "not a block of this file",
    "```",
    "````",
    "```ts",
    'import { createEventBus } from "@ringrift/core-bus";',
    "",
    'createEventBus<{ "order.placed": { n: number } }>().publishSync("order.placed", { n: "one" });',
    "```",
    "```ts no-check",
    "this is left alone",
    "```",
    "```typescript",
    'import { createBus } from "@ringrift/core-bus";',
    "```",
  ].join("\n");

  it("finds the blocks with their lines, and tells which are left alone", () => {
    const found = extractSnippets("docs/x.md", markdown);
    expect(found.map(({ line, checked }) => [line, checked])).toEqual([
      [7, true],
      [17, true],
      [22, false],
      [25, true],
    ]);
    expect(found[0]?.code).toMatch(/^import .*;\nconst unused = /);
  });

  it("fails on a wrong type and a missing export, naming file and line", async () => {
    const problems = await checkSnippets(root, extractSnippets("docs/x.md", markdown));
    expect(problems).toEqual([
      expect.stringMatching(/^docs\/x\.md:20: TS2769: [^]*'string'.*'number'/),
      expect.stringMatching(/^docs\/x\.md:26: TS2305: .*'createBus'/),
    ]);
  });

  it("refuses a block that never ends", () => {
    expect(() => extractSnippets("docs/x.md", "\n```ts\nlet a = 1;")).toThrow("docs/x.md:2");
  });
});
