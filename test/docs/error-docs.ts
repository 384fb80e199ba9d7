import { readdirSync, readFileSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";

/** What is compared: the text of every source file by its path, and the text of docs/errors.md. */
export interface ErrorDocsInput {
  readonly sources: ReadonlyMap<string, string>;
  readonly document: string;
}

export interface ErrorDocsFindings {
  readonly problems: string[];
  readonly unions: number;
  readonly codes: number;
  readonly warnings: number;
}

interface CodeUnion {
  readonly name: string;
  /** The class or type that carries the codes: `QueueError` for `QueueErrorCode`. */
  readonly carrier: string;
  readonly codes: readonly string[];
}

interface Section {
  readonly title: string;
  readonly prose: string;
  readonly rows: readonly (readonly string[])[];
}

/** Reads what the packages ship; conformance suites only compare codes, so they don't count as throwing. */
export function readErrorDocs(root: string): ErrorDocsInput {
  const sources = new Map<string, string>();
  for (const name of readdirSync(join(root, "packages"))) {
    const folder = join(root, "packages", name, "src");
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = relative(root, join(entry.parentPath, entry.name)).split(sep).join("/");
      if (!entry.isFile() || !path.endsWith(".ts") || path.includes("/conformance/")) continue;
      sources.set(path, readFileSync(join(root, path), "utf8"));
    }
  }
  return { sources, document: readFileSync(join(root, "docs/errors.md"), "utf8") };
}

/** Holds the tables of docs/errors.md against the code unions, both ways, and the unions against the code. */
export function inspectErrorDocs({ sources, document }: ErrorDocsInput): ErrorDocsFindings {
  const code = new Map([...sources].map(([path, text]) => [path, withoutComments(text)]));
  const unions = [...code].flatMap(([path, text]) => findUnions(path, text));
  const warnings = new Set([...code.values()].flatMap(findWarnings));
  const sections = readSections(document).filter(({ rows }) => rows.length > 0);
  const problems = sections.flatMap(checkRows);

  for (const union of unions) {
    const section = sections.find(({ prose }) => prose.includes(`\`${union.carrier}\``));
    if (section) problems.push(...compare(union.name, union.codes, section));
    else problems.push(`No table's introduction names \`${union.carrier}\` (${union.name}).`);
    for (const each of union.codes) {
      if (isRaised(each, union, code)) continue;
      problems.push(`${union.name}: nothing throws "${each}". Take it out of the union.`);
    }
  }
  const section = sections.find(({ title }) => title === "Process warnings");
  if (section) problems.push(...compare("Process warnings", [...warnings], section));
  else problems.push('There is no table under "Process warnings".');

  const codes = unions.reduce((sum, union) => sum + union.codes.length, 0);
  return { problems, unions: unions.length, codes, warnings: warnings.size };
}

function compare(what: string, codes: readonly string[], { rows }: Section): string[] {
  const documented = rows.map(([first = ""]) => first.replaceAll("`", ""));
  return [
    ...codes
      .filter((code) => !documented.includes(code))
      .map((code) => `${what}: "${code}" has no row in docs/errors.md.`),
    ...documented
      .filter((code) => !codes.includes(code))
      .map((code) => `${what}: the row "${code}" of docs/errors.md is of no such code.`),
    ...documented
      .filter((code, index) => documented.indexOf(code) !== index)
      .map((code) => `${what}: "${code}" has two rows in docs/errors.md.`),
  ];
}

function checkRows({ title, rows }: Section): string[] {
  return rows
    .filter((cells) => cells.length < 3 || cells.some((cell) => cell === ""))
    .map(([first]) => `${title}: the row ${first} has an empty cell.`);
}

function findUnions(path: string, text: string): CodeUnion[] {
  const name = basename(path);
  const found = [...text.matchAll(/export type (\w+(?:Error|Problem))Code =([^;]+);/g)].map(
    ([, carrier = "", members = ""]) => ({
      name: `${carrier}Code`,
      carrier,
      codes: [...members.matchAll(/"([^"]+)"/g)].map(([, code = ""]) => code),
    }),
  );
  // A union that this can't read must not pass for one that isn't there.
  if (name === "errors.ts" && found.every(({ codes }) => codes.length === 0)) {
    throw new Error(`"${path}" has no union of string literals named …ErrorCode.`);
  }
  return found;
}

function findWarnings(text: string): string[] {
  return [...text.matchAll(/"(RINGRIFT_[A-Z_]+)"/g)].map(([, code = ""]) => code);
}

/**
 * Whether some file that makes such errors names the code, other than to compare with it. Codes can come
 * out of a table or by way of a helper, so the literal needn't stand next to `new`.
 */
function isRaised(code: string, union: CodeUnion, sources: ReadonlyMap<string, string>): boolean {
  const makes = union.carrier.endsWith("Error")
    ? new RegExp(String.raw`\bnew ${union.carrier}\(|\bextends ${union.carrier}\b`)
    : new RegExp(String.raw`\b${union.carrier}\b`);
  const named = new RegExp(String.raw`(?<!(?:[=!]==|\||=|\bcase)\s*)"${code}"`);
  return [...sources.values()].some((text) => makes.test(text) && named.test(text));
}

function readSections(document: string): Section[] {
  return document.split(/^#{2,3} /m).map((part) => {
    const lines = part.split("\n");
    const table = lines.filter((line) => line.startsWith("|")).slice(2);
    return {
      title: lines[0] ?? "",
      prose: lines.filter((line) => !line.startsWith("|")).join("\n"),
      rows: table.map((row) =>
        row
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
    };
  });
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");
}
