import { execFile } from "node:child_process";
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** A block of TypeScript in a Markdown file. */
export interface Snippet {
  /** Path of the Markdown file from the root. */
  readonly file: string;
  /** Line of its opening fence, from 1. */
  readonly line: number;
  readonly code: string;
  /** False when the fence says `no-check`. */
  readonly checked: boolean;
}

const MARKDOWN = [
  "*.md",
  "packages/*/README.md",
  "apps/*/README.md",
  "examples/**/*.md",
  "docs/**/*.md",
];
/** Libraries that snippets may import, and whose dependency they are in the workspace. */
const LIBRARIES = [
  ["packages/cross-process-queue", "@types/better-sqlite3"],
  ["examples", "fastify"],
  ["packages/nats-queue", "@nats-io/transport-node"],
] as const;
const LANGUAGES = new Set(["ts", "mts", "typescript"]);

/** All blocks of TypeScript in what people read: READMEs and documents, from the root down. */
export function findSnippets(root: string): { files: number; snippets: Snippet[] } {
  const files = globSync(MARKDOWN, { cwd: root, exclude: ["**/node_modules/**"] })
    .map((file) => file.replaceAll("\\", "/"))
    .toSorted();
  const snippets = files.flatMap((file) =>
    extractSnippets(file, readFileSync(join(root, file), "utf8")),
  );
  return { files: files.length, snippets };
}

/** The blocks of TypeScript of one Markdown text. */
export function extractSnippets(file: string, markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  let open: { fence: string; indent: number; info: string[]; line: number } | undefined;
  let code: string[] = [];
  for (const [index, text] of markdown.split(/\r?\n/).entries()) {
    const [, indent = "", fence = "", info = ""] = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(text) ?? [];
    if (open === undefined) {
      if (fence === "") continue;
      open = { fence, indent: indent.length, info: info.trim().split(/\s+/), line: index + 1 };
      code = [];
    } else if (fence.startsWith(open.fence) && info.trim() === "") {
      const [language = "", ...words] = open.info;
      if (LANGUAGES.has(language)) {
        const checked = !words.includes("no-check");
        snippets.push({ file, line: open.line, code: code.join("\n"), checked });
      }
      open = undefined;
    } else {
      code.push(text.slice(open.indent));
    }
  }
  if (open !== undefined) throw new Error(`${file}:${open.line} opens a block that never ends.`);
  return snippets;
}

/**
 * Type-checks the snippets, each a module of its own, in one run of the compiler with the settings of the
 * tests; unused names are fine. Resolves to the mistakes, each with its Markdown file and line.
 */
export async function checkSnippets(root: string, snippets: readonly Snippet[]): Promise<string[]> {
  const folder = mkdtempSync(join(root, "test/.snippets-"));
  try {
    writeFileSync(join(folder, ".gitignore"), "*\n");
    linkPackages(root, join(folder, "node_modules"));
    const files = snippets
      .filter(({ checked }) => checked)
      .map(({ file, line, code }) => {
        const path = `${file}.${line}.ts`;
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        // Blank lines before it make its line numbers those of the Markdown file.
        writeFileSync(join(folder, path), "\n".repeat(line) + code);
        return path;
      });
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings(files)));
    return readProblems(await compile(root, join(folder, "tsconfig.json")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a reader would have installed: every package of ours by its exports, and what is used with them. */
function linkPackages(root: string, modules: string): void {
  for (const name of readdirSync(join(root, "packages"))) {
    link(join(root, "packages", name), join(modules, "@ringrift", name));
  }
  for (const [owner, name] of LIBRARIES) {
    link(join(root, owner, "node_modules", name), join(modules, name));
  }
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, "junction");
}

function settings(files: readonly string[]): object {
  return {
    extends: "../../tsconfig.test.json",
    compilerOptions: {
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files,
    include: [],
  };
}

function compile(root: string, project: string): Promise<{ failed: boolean; output: string }> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const args = [tsc, "--noEmit", "--pretty", "false", "-p", project];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: root }, (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: stdout + stderr });
    });
  });
}

function readProblems({ failed, output }: { failed: boolean; output: string }): string[] {
  const problems = output
    // What the compiler says in more detail is indented.
    .split(/\n(?=\S)/)
    .filter((text) => text.includes("error TS"))
    .map((text) =>
      text
        .trimEnd()
        .replace(/^test\/\.snippets-\w+\/(.+)\.\d+\.ts\((\d+),\d+\): error /, "$1:$2: "),
    );
  if (failed && problems.length === 0) return [`The compiler failed: ${output}`];
  return problems;
}
