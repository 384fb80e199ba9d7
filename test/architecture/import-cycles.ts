import { dirname, join, posix } from "node:path";
import type { Import } from "./imports.ts";

/** A package as its files import each other. Files are named from its `src`, e.g. `memory/memory-log.ts`. */
export interface PackageImports {
  /** The imports of every file, type-only ones included. */
  readonly files: ReadonlyMap<string, readonly Import[]>;
  /** Files that the manifest's `exports` name. They list what their package exports, so folders aren't judged by them. */
  readonly entries: ReadonlySet<string>;
  /** Files that each of the manifest's `imports` stands for, e.g. `#platform`. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
}

/** Several files, or several folders, each of which imports all the others, directly or through others. */
export interface ImportCycle {
  /** Its members in alphabetical order; it begins with `folders:` when they are folders. */
  readonly name: string;
  /** One way round; of folders, one import for each direction. */
  readonly way: string;
}

/** The result of looking through one package. */
export interface CycleInspection {
  /** Imports from one of its files to another one. */
  readonly innerImports: number;
  readonly cycles: readonly ImportCycle[];
  /** Imports of files that aren't there. They are a problem, since no cycle is seen where an import can't be followed. */
  readonly lost: readonly string[];
}

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Finds cycles of files, type-only imports included, and folders that import each other. */
export function inspectCycles(imports: PackageImports): CycleInspection {
  const lost: string[] = [];
  const files = new Map<string, Set<string>>();
  let innerImports = 0;
  for (const [file, found] of imports.files) {
    const targets = found.flatMap(({ target }) => resolve(imports, file, target));
    innerImports += targets.length;
    files.set(file, new Set(targets));
    lost.push(
      ...targets
        .filter((target) => !imports.files.has(target))
        .map((target) => `${file} imports ${target}, which isn't there`),
    );
  }
  const fileCycles = cyclesIn(files).map((members) => ({
    name: members.join(", "),
    way: wayRound(files, members),
  }));
  return { innerImports, cycles: [...fileCycles, ...folderCycles(files, imports.entries)], lost };
}

/** The files of the same package that an import stands for: none for one of another package. */
function resolve({ aliases }: PackageImports, file: string, target: string): readonly string[] {
  if (target.startsWith(".")) return [posix.join(dirname(file), target)];
  return aliases.get(target) ?? [];
}

function folderCycles(files: Graph, entries: ReadonlySet<string>): ImportCycle[] {
  const folders = new Map<string, Set<string>>();
  const examples = new Map<string, string>();
  for (const [file, targets] of files) {
    const from = folderOf(file);
    const known = folders.get(from) ?? new Set<string>();
    folders.set(from, known);
    for (const target of targets) {
      if (folderOf(target) === from || entries.has(file) || entries.has(target)) continue;
      known.add(folderOf(target));
      examples.set(`${from} → ${folderOf(target)}`, `${file} → ${target}`);
    }
  }
  return cyclesIn(folders).map((members) => ({
    name: `folders: ${members.join(", ")}`,
    way: members
      .flatMap((from) => members.map((to) => examples.get(`${from} → ${to}`) ?? []))
      .flat()
      .join(", "),
  }));
}

/** Files of `src` itself are a folder of their own. */
function folderOf(file: string): string {
  return join("src", dirname(file));
}

/** The largest sets of two or more nodes that all reach each other (strongly connected components). */
function cyclesIn(graph: Graph): string[][] {
  const reached = new Map([...graph.keys()].map((node) => [node, reachedFrom(graph, node)]));
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const node of [...graph.keys()].toSorted()) {
    if (done.has(node)) continue;
    const members = [...(reached.get(node) ?? [])].filter(
      (other) => other === node || reached.get(other)?.has(node) === true,
    );
    for (const member of members) done.add(member);
    if (members.length > 1) cycles.push(members.toSorted());
  }
  return cycles;
}

function reachedFrom(graph: Graph, start: string): Set<string> {
  const reached = new Set<string>();
  const left = [...(graph.get(start) ?? [])];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    left.push(...(graph.get(node) ?? []));
  }
  return reached;
}

/** The shortest way from the first member back to itself. */
function wayRound(graph: Graph, [first = ""]: readonly string[]): string {
  const ways = [[first]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of graph.get(way.at(-1) ?? "") ?? []) {
      if (next === first) return [...way, first].join(" → ");
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return first;
}
