import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** A run of lines that stands in two places. */
export interface Repetition {
  /** `path:line` of the first line, in each place. */
  readonly places: readonly [string, string];
  readonly text: string;
}

/** What a search found, and how many lines of code it looked at. */
export interface RepetitionSearch {
  readonly repetitions: readonly Repetition[];
  readonly lines: number;
}

interface Line {
  readonly number: number;
  readonly text: string;
}

/**
 * Finds runs of `length` equal lines of code that stand in the sources of two of these folders. Imports, comments,
 * blank lines and lone punctuation don't count, nor does indentation.
 */
export function findRepetitions(folders: readonly string[], length: number): RepetitionSearch {
  const seen = new Map<string, { readonly folder: string; readonly place: string }>();
  const repetitions: Repetition[] = [];
  let lines = 0;
  for (const folder of folders) {
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    for (const name of files.filter((file) => file.endsWith(".ts")).toSorted()) {
      const code = codeOf(readFileSync(join(folder, name), "utf8"));
      lines += code.length;
      for (let start = 0; start + length <= code.length; start += 1) {
        const run = code.slice(start, start + length);
        const text = run.map((line) => line.text).join("\n");
        const place = `${join(relative(join(folder, "../.."), folder), name)}:${run[0]?.number}`;
        const before = seen.get(text);
        if (before === undefined) seen.set(text, { folder, place });
        else if (before.folder !== folder)
          repetitions.push({ places: [before.place, place], text });
      }
    }
  }
  return { repetitions, lines };
}

function codeOf(source: string): Line[] {
  const bare = source
    // Keeps the line breaks, so that lines keep their numbers.
    .replaceAll(/^(?:import|export)\s[^;]*?\sfrom\s+"[^"]+";/gm, (text) =>
      text.replaceAll(/[^\n]/g, ""),
    )
    .replaceAll(/\/\*[\s\S]*?\*\//g, (text) => text.replaceAll(/[^\n]/g, ""));
  return bare
    .split("\n")
    .map((text, index) => ({ number: index + 1, text: text.trim() }))
    .filter(({ text }) => /\w/.test(text) && !text.startsWith("//"));
}
