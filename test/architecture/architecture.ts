import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { inspectCycles } from "./import-cycles.ts";
import { type Import, importsOf } from "./imports.ts";

/** Layer of each package; imports go to a lower layer only (ARCHITECTURE.md draws it). */
export const LAYERS: Readonly<Record<string, number>> = {
  envelope: 0,
  mappings: 1,
  "core-bus": 1,
  "event-queue": 1,
  "stage-events": 2,
  "cross-process-queue": 2,
  "nats-queue": 2,
  coordinator: 3,
};

/** Most files that a folder of `src` may hold, so that a newcomer finds the right one by its name. */
const MOST_FILES = 9;

/** What an inspection of a workspace looked at, and what it found wrong. */
export interface Inspection {
  readonly packages: number;
  readonly sourceFiles: number;
  readonly imports: number;
  /** Those of them that only types need. */
  readonly typeOnlyImports: number;
  /** Those that stay within their package, by package: cycles are looked for among these. */
  readonly innerImports: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

const ENTRIES = [
  "LICENSE",
  "README.md",
  "package.json",
  "src",
  "test",
  "tsconfig.json",
  "turbo.json",
];
/** Libraries that live in one package only. */
const HOME: Readonly<Record<string, string>> = {
  eventemitter3: "core-bus",
  picomatch: "core-bus",
  "better-sqlite3": "cross-process-queue",
  "@nats-io/jetstream": "nats-queue",
  "@nats-io/transport-node": "nats-queue",
};

/** Checks layers, references, imports, import cycles and the shape of every package below `root`. */
export function inspectArchitecture(root: string): Inspection {
  const problems: string[] = [];
  const names = readdirSync(join(root, "packages")).toSorted();
  let sourceFiles = 0;
  let imports = 0;
  let typeOnlyImports = 0;
  const innerImports: Record<string, number> = {};
  for (const name of names) {
    const folder = join(root, "packages", name);
    const layer = LAYERS[name];
    if (layer === undefined) {
      problems.push(`${name} has no layer; give it one in test/architecture.ts`);
      continue;
    }
    for (const entry of ENTRIES) {
      if (!existsSync(join(folder, entry))) problems.push(`${name} has no ${entry}`);
    }
    const manifest = readJson(join(folder, "package.json"));
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    for (const dependency of siblingsIn(declared)) {
      const below = LAYERS[dependency];
      if (below === undefined || below >= layer)
        problems.push(`${name} (layer ${layer}) depends on ${dependency} (layer ${below})`);
    }
    const references = (readJson(join(folder, "tsconfig.json")).references ?? []).map((reference) =>
      reference.path.replace("../", ""),
    );
    if (references.toSorted().join() !== siblingsIn(declared).toSorted().join()) {
      problems.push(
        `${name}: tsconfig references [${references.join(", ")}] don't mirror its dependencies`,
      );
    }
    const src = join(folder, "src");
    const files = new Map<string, readonly Import[]>();
    for (const file of sources(src)) {
      sourceFiles += 1;
      const found = importsOf(readFileSync(file, "utf8"));
      files.set(relative(src, file), found);
      imports += found.length;
      typeOnlyImports += found.filter(({ isTypeOnly }) => isTypeOnly).length;
      for (const { target } of found)
        problems.push(...importProblems(name, file, target, declared));
    }
    const entries = new Set(filesIn(manifest.exports));
    const aliases = new Map(
      Object.entries(manifest.imports ?? {}).map(([alias, to]) => [alias, filesIn(to)]),
    );
    const found = inspectCycles({ files, entries, aliases });
    innerImports[name] = found.innerImports;
    problems.push(...found.lost.map((lost) => `${name}: ${lost}`));
    problems.push(
      ...found.cycles.map((cycle) => `${name} has an import cycle (${cycle.name}): ${cycle.way}`),
    );
    problems.push(...crowdedFolders(name, [...files.keys()]));
  }
  return { packages: names.length, sourceFiles, imports, typeOnlyImports, innerImports, problems };
}

function crowdedFolders(name: string, files: readonly string[]): string[] {
  const counts = Map.groupBy(files, (file) => dirname(file));
  return [...counts]
    .filter(([, { length }]) => length > MOST_FILES)
    .map(
      ([folder, { length }]) =>
        `${name}: ${folder} has ${length} files; give them folders of at most ${MOST_FILES}, each with one purpose`,
    );
}

function importProblems(name: string, file: string, target: string, declared: string[]): string[] {
  if (/^(\.|#|node:)/.test(target)) {
    return target.includes("/packages/") ? [`${file} leaves its package: ${target}`] : [];
  }
  const library = target
    .split("/")
    .slice(0, target.startsWith("@") ? 2 : 1)
    .join("/");
  const home = HOME[library];
  if (home !== undefined && home !== name)
    return [`${file} imports ${library}, which lives in ${home}`];
  return declared.includes(library) ? [] : [`${file} imports undeclared ${library}`];
}

function siblingsIn(dependencies: string[]): string[] {
  return dependencies
    .filter((dependency) => dependency.startsWith("@ringrift/"))
    .map((dependency) => dependency.slice("@ringrift/".length));
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file));
}

/** The files of `src` that a manifest's `exports` or `imports` name, under whatever condition. */
function filesIn(value: unknown): string[] {
  if (typeof value === "string") return value.startsWith("./src/") ? [value.slice(6)] : [];
  return Object.values(value ?? {}).flatMap(filesIn);
}

interface Json {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  exports?: unknown;
  imports?: Record<string, unknown>;
  references?: { path: string }[];
}
function readJson(file: string): Json {
  // A tsconfig may say why in a comment of its own line.
  return JSON.parse(readFileSync(file, "utf8").replaceAll(/^\s*\/\/.*$/gm, "")) as Json;
}
