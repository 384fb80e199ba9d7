import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  deadPaths,
  houseWords,
  longCells,
  type Page,
  readmeProblems,
  readPages,
} from "./doc-pages.ts";

const root = join(import.meta.dirname, "../..");
const pages = readPages(root);

describe("READMEs and documents", () => {
  it("are all read", () => {
    const files = pages.map(({ file }) => file);
    expect(files).toEqual(expect.arrayContaining(["README.md", "ARCHITECTURE.md"]));
    expect(files.filter((file) => file.startsWith("packages/"))).toHaveLength(8);
    expect(files.filter((file) => file.startsWith("docs/")).length).toBeGreaterThan(8);
  });

  it("name only paths that are in the tree, and sections that are on the page", () => {
    expect(pages.flatMap((page) => deadPaths(root, page))).toEqual([]);
  });

  it("have at most 25 words in each cell of a table", () => {
    expect(pages.flatMap(longCells)).toEqual([]);
  });

  it("have no words that are understood only in this house", () => {
    expect(pages.flatMap(houseWords)).toEqual([]);
  });

  it("are at most 120 lines long where they are a README for users, with links that work anywhere", () => {
    const readmes = pages.filter(({ file }) => /^(packages\/.*\/)?README\.md$/.test(file));
    expect(readmes).toHaveLength(9);
    expect(readmes.flatMap(readmeProblems)).toEqual([]);
  });

  it("can all be reached from the README", () => {
    const readme = pages.find(({ file }) => file === "README.md")?.text ?? "";
    const wanted = [...globSync("docs/*.md", { cwd: root }), "bench", "torture"];
    expect(wanted.filter((path) => !readme.includes(`](./${path.replaceAll("\\", "/")})`))).toEqual(
      [],
    );
  });
});

describe("the check of a page fails", () => {
  const page = (text: string, file = "docs/x.md"): Page => ({ file, text });

  it("on a link, a path or a section that isn't there, and names the line", () => {
    const text = [
      "[there](./errors.md#process-warnings) and `packages/core-bus/test/order.test.ts`",
      "[a](./missing.md), [b](./errors.md#no-such-section), `packages/core-bus/test/{order,gone}.test.ts`",
      "[c](https://github.com/ringrift/ringrift-events/blob/main/docs/missing.md), [d](https://example.com/x)",
      "`docs/gone.md`, `data/events.db`, `order/placed`",
      "```sh",
      "cat `docs/gone.md`",
      "```",
    ].join("\n");
    expect(deadPaths(root, page(text))).toEqual([
      'docs/x.md:2: "./missing.md" isn\'t in the tree.',
      'docs/x.md:2: "./errors.md#no-such-section" isn\'t in the tree.',
      'docs/x.md:2: "packages/core-bus/test/{order,gone}.test.ts" isn\'t in the tree.',
      'docs/x.md:3: "https://github.com/ringrift/ringrift-events/blob/main/docs/missing.md" isn\'t in the tree.',
      'docs/x.md:4: "docs/gone.md" isn\'t in the tree.',
    ]);
  });

  it("on a folder of the map that a package doesn't have", () => {
    const text =
      "### core-bus\n\n| folder of `src` | x |\n| --- | --- |\n| `router`, `rooter` | x |";
    expect(deadPaths(root, page(text, "ARCHITECTURE.md"))).toEqual([
      'ARCHITECTURE.md:5: "rooter" isn\'t in the tree.',
    ]);
  });

  it("on the 26th word of a cell, not counting where its links lead", () => {
    const words = (count: number): string => Array.from({ length: count }, () => "word").join(" ");
    expect(longCells(page(`| ${words(24)} [a](./b c) | x |`))).toEqual([]);
    expect(longCells(page(`| x | ${words(26)} |`))).toEqual([
      expect.stringContaining("docs/x.md:1: 26 words"),
    ]);
  });

  it("on a word of the house, but not in code", () => {
    expect(houseWords(page("`beside`\nIt stands beside it, and it is no queue."))).toEqual([
      'docs/x.md:2: "beside". Write "next to" or "besides" instead.',
      'docs/x.md:2: "is no q". Write "isn\'t a" instead.',
    ]);
    expect(houseWords(page("There is no queue, and it is no longer there."))).toEqual([]);
  });

  it("on the 121st line of a README, and on a link that a tarball doesn't have", () => {
    const file = "packages/core-bus/README.md";
    expect(readmeProblems(page("x\n".repeat(120), file))).toEqual([]);
    expect(readmeProblems(page(`${"x\n".repeat(120)}[a](../b.md)`, file))).toEqual([
      `${file} has 121 lines; 120 are the most.`,
      `${file}: "../b.md" works in the repository only.`,
    ]);
  });
});
