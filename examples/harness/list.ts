import { globSync, readFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** One example: a file, or a folder whose `main.ts` starts the others in it. */
export interface Example {
  /** What it is run by: its path without `.ts`, e.g. `guide/event-history`. */
  readonly name: string;
  readonly file: string;
  /** The first line of its first doc comment. */
  readonly summary: string;
}

const ROOT = dirname(import.meta.dirname);

/** All examples, those of the guide last, each group by name. */
export function listExamples(): Example[] {
  return globSync(["*.ts", "*/main.ts", "guide/*.ts", "guide/*/main.ts"], { cwd: ROOT })
    .filter((path) => !path.endsWith(".test.ts") && path !== "run.ts")
    .map((path) => {
      const file = join(ROOT, path);
      const name = path.replace(/([\\/]main)?\.ts$/, "").replaceAll(sep, "/");
      return { name, file, summary: summaryOf(file) };
    })
    .toSorted((a, b) => depth(a) - depth(b) || a.name.localeCompare(b.name));
}

/** Every TypeScript file that belongs to an example, by its path in this folder. */
export function listExampleFiles(): string[] {
  return globSync("**/*.ts", { cwd: ROOT, exclude: ["node_modules/**", "harness/**"] })
    .filter((path) => !path.endsWith(".test.ts") && path !== "run.ts")
    .map((path) => path.replaceAll(sep, "/"))
    .toSorted();
}

/** The file of an example that was asked for by name, with or without `.ts`. */
export function findExample(name: string): Example | undefined {
  const wanted = name.replace(/^(\.\/)?(examples\/)?/, "").replace(/(\/main)?(\.ts)?\/?$/, "");
  return listExamples().find((example) => example.name === wanted);
}

function summaryOf(file: string): string {
  const comment = /\/\*\*\s*(?:\*\s*)?([^\n]*)/.exec(readFileSync(file, "utf8"));
  return comment?.[1]?.replace(/\s*\*\/\s*$/, "").trim() ?? "";
}

const depth = (example: Example): number => (example.name.startsWith("guide/") ? 1 : 0);
