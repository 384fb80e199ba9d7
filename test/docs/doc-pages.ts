import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** One Markdown file: its path from the root, and its text. */
export interface Page {
  readonly file: string;
  readonly text: string;
}

/** What is read by people who look something up. Each is held to the same rules. */
const PAGES = [
  "README.md",
  "ARCHITECTURE.md",
  "bench/README.md",
  "docs/*.md",
  "packages/*/README.md",
];
const REPOSITORY = "https://github.com/ringrift/ringrift-events";
const MOST_WORDS = 25;
const MOST_LINES = 120;

/** Folders of the repository: code like `packages/x` is a path that must be there, `data/events.db` isn't. */
const FOLDERS: ReadonlySet<string> = new Set([
  "apps",
  "bench",
  "docs",
  "examples",
  "packages",
  "scripts",
  "simulation",
  "test",
  "test-servers",
  "torture",
]);

/** Words that read easily only here, and what to write instead. */
const HOUSE_WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bbeside\b/i, '"next to" or "besides"'],
  [/\bballast\b/, '"reserve"'],
  [/\bsightings?\b/i, '"events seen"'],
  [/\bfor ever\b/i, '"indefinitely" or "forever"'],
  [/(?<!\bthere )\bis no (?!longer\b|more\b)\w/i, '"isn\'t a"'],
  [/\bsurely\b/i, '"reliably"'],
];

/** Reads every page from the root down. */
export function readPages(root: string): Page[] {
  return globSync(PAGES, { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .toSorted()
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
}

/** Links and paths that lead nowhere, with the line that has them. */
export function deadPaths(root: string, page: Page): string[] {
  let section = "";
  return lines(page).flatMap(({ line, text }) => {
    section = /^### (.*)$/.exec(text)?.[1] ?? (text.startsWith("## ") ? "" : section);
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const codes = [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
    const dead = [
      ...links.filter((target) => !leadsSomewhere(root, page, target)),
      ...codes.filter((code) => isPath(code) && !isThere(root, code)),
      // ARCHITECTURE.md lists the folders of each package's `src` below the package's name.
      ...(page.file === "ARCHITECTURE.md" && isThere(root, `packages/${section}/src`)
        ? foldersOfRow(text).filter((name) => !isThere(root, `packages/${section}/src/${name}`))
        : []),
    ];
    return dead.map((path) => `${page.file}:${line}: "${path}" isn't in the tree.`);
  });
}

/** Cells of tables with too many words. */
export function longCells(page: Page): string[] {
  return lines(page).flatMap(({ line, text }) =>
    cellsOf(text).flatMap((cell) => {
      const words = cell
        .replaceAll(/\]\([^)]*\)/g, "]")
        .split(/\s+/)
        .filter(Boolean).length;
      return words > MOST_WORDS
        ? [`${page.file}:${line}: ${words} words in the cell "${cell.slice(0, 40)}…".`]
        : [];
    }),
  );
}

/** Words that a reader has to guess. */
export function houseWords(page: Page): string[] {
  return lines(page).flatMap(({ line, text }) =>
    HOUSE_WORDS.flatMap(([word, instead]) => {
      const [found] = word.exec(text.replaceAll(/`[^`]*`/g, "``")) ?? [];
      return found === undefined
        ? []
        : [`${page.file}:${line}: "${found}". Write ${instead} instead.`];
    }),
  );
}

/** What keeps a README from being read on a registry's page: too many lines, and links that work in the repository only. */
export function readmeProblems({ file, text }: Page): string[] {
  const length = text.trimEnd().split("\n").length;
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  const relative = links.filter((target) => !/^https:|^#/.test(target));
  return [
    ...(length > MOST_LINES ? [`${file} has ${length} lines; ${MOST_LINES} are the most.`] : []),
    ...(file.startsWith("packages/")
      ? relative.map((target) => `${file}: "${target}" works in the repository only.`)
      : []),
  ];
}

/** Every line outside of blocks of code. */
function lines({ text }: Page): { line: number; text: string }[] {
  let open = false;
  return text.split("\n").flatMap((each, index) => {
    const isFence = /^\s*```/.test(each);
    if (isFence) open = !open;
    return open || isFence ? [] : [{ line: index + 1, text: each }];
  });
}

function cellsOf(text: string): string[] {
  return text.startsWith("|")
    ? text
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim())
    : [];
}

function foldersOfRow(text: string): string[] {
  const [first = ""] = cellsOf(text);
  return [...first.matchAll(/`([\w-]+)`/g)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "src");
}

function isPath(code: string): boolean {
  const [first = "", ...rest] = code.split("/");
  return rest.length > 0 && FOLDERS.has(first) && /^[\w.@{},*/-]+$/.test(code);
}

/** Whether every path that the braces stand for is there; `*` needs one match. */
function isThere(root: string, path: string): boolean {
  const [, before = "", choices = "", after = ""] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  if (choices === "") return globSync(path.replace(/\/$/, ""), { cwd: root }).length > 0;
  return choices.split(",").every((choice) => isThere(root, `${before}${choice}${after}`));
}

function leadsSomewhere(root: string, page: Page, target: string): boolean {
  const [address = "", anchor] = target.split("#");
  const ours = new RegExp(`^${REPOSITORY}/(?:blob|tree)/main/(.*)$`).exec(address);
  if (address.startsWith("https:") && !ours) return true;
  const path =
    ours?.[1] ?? (address === "" ? page.file : normalize(join(dirname(page.file), address)));
  const full = join(root, path);
  if (!existsSync(full)) return false;
  if (anchor === undefined || !path.endsWith(".md")) return true;
  const headings = readFileSync(full, "utf8").matchAll(/^#+ (.*)$/gm);
  return [...headings].some(([, title = ""]) => slug(title) === anchor);
}

/** The anchor that GitHub gives a heading. */
function slug(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(/\s/g, "-");
}
