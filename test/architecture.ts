import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

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

/** What an inspection of a workspace looked at, and what it found wrong. */
export interface Inspection {
  readonly packages: number;
  readonly sourceFiles: number;
  readonly imports: number;
  readonly problems: readonly string[];
}

/** `import … from "x";`, `export … from "x";`, `import "x";` and `import("x")`, as the formatter writes them. */
const IMPORT =
  /^(?:import|export)\s[^;]*?\sfrom\s+"([^"]+)";|^import\s+"([^"]+)";|\bimport\("([^"]+)"\)/gm;
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

/** Checks layers, references, imports and the shape of every package below `root`. */
export function inspectArchitecture(root: string): Inspection {
  const problems: string[] = [];
  const names = readdirSync(join(root, "packages")).toSorted();
  let sourceFiles = 0;
  let imports = 0;
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
    for (const file of sources(join(folder, "src"))) {
      sourceFiles += 1;
      for (const [, from, bare, dynamic] of readFileSync(file, "utf8").matchAll(IMPORT)) {
        const target = from ?? bare ?? dynamic ?? "";
        imports += 1;
        problems.push(...importProblems(name, file, target, declared));
      }
    }
  }
  return { packages: names.length, sourceFiles, imports, problems };
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

interface Json {
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  references?: { path: string }[];
}
function readJson(file: string): Json {
  // A tsconfig may say why in a comment of its own line.
  return JSON.parse(readFileSync(file, "utf8").replaceAll(/^\s*\/\/.*$/gm, "")) as Json;
}
