import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type BuildOptions } from "esbuild";
import { bundledSize } from "./size-limit.ts";

/** What core-bus weighs in a browser, minified and gzipped, in bytes. */
export interface SizeResult {
  readonly command: string;
  /** core-bus's own code, all of its index: its dependencies are left out of the bundle. */
  readonly own: number;
  /** The part of it that is left when a program imports `createEventBus` and nothing else. */
  readonly busOnly: number;
  /** All of the index, and everything it depends on. */
  readonly all: number;
  /** By how much `all` shrinks when one of them is left out. */
  readonly dependencies: Readonly<Record<string, number>>;
}

/** The most bytes that each may have (docs/decisions/0017 for picomatch and lists, 0022 for children and outcomes). */
export const BUDGETS = { own: 18_200, busOnly: 16_800, all: 29_400 } as const;

const MEANINGS = {
  own: "own code",
  busOnly: "own code behind `createEventBus` alone",
  all: "everything, dependencies included",
} as const;
const FIGURES = ["own", "busOnly", "all"] as const;
const PACKAGE = join(import.meta.dirname, "../../packages/core-bus");
const ENTRY = join(PACKAGE, "src/index.ts");

/** Bundles core-bus with and without its dependencies. */
export async function measureSize(): Promise<SizeResult> {
  const manifest = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const names = Object.keys(manifest.dependencies);
  const all = await sizeWithout([]);
  const dependencies: Record<string, number> = {};
  for (const name of names) dependencies[name] = all - (await sizeWithout([name]));
  return {
    command: "pnpm bench size",
    own: await sizeWithout(names),
    busOnly: await sizeWithout(names, {
      stdin: {
        contents: 'export { createEventBus } from "./src/index.ts";',
        resolveDir: PACKAGE,
        loader: "ts",
      },
    }),
    all,
    dependencies,
  };
}

/** Minified bytes of core-bus's own files in the bundle, heaviest first. */
export async function heaviestFiles(): Promise<(readonly [file: string, bytes: number])[]> {
  const { metafile } = await build({
    ...browserBundle([]),
    entryPoints: [ENTRY],
    absWorkingDir: PACKAGE,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
  });
  const [output] = Object.values(metafile.outputs);
  return Object.entries(output?.inputs ?? {})
    .map(([file, { bytesInOutput }]) => [file, bytesInOutput] as const)
    .filter(([file]) => file.startsWith("src/"))
    .toSorted(([, one], [, other]) => other - one);
}

/** What is above its budget, in sentences; empty when nothing is. */
export function sizeProblems(size: SizeResult): string[] {
  return FIGURES.filter((figure) => size[figure] > BUDGETS[figure]).map(
    (figure) =>
      `core-bus, ${MEANINGS[figure]}: ${size[figure]} bytes, minified and gzipped; the budget is ${BUDGETS[figure]}. Make it smaller, or raise the budget with a reason in docs/decisions.`,
  );
}

/** The figures as a sentence for people who use core-bus. */
export function sizeText({ own, busOnly, all, dependencies }: SizeResult): string {
  const parts = Object.entries(dependencies)
    .filter(([, bytes]) => bytes > 0)
    .toSorted(([, one], [, other]) => other - one)
    .map(([name, bytes]) => `${name} ${kilobytes(bytes)}`);
  return (
    `Minified and gzipped for a browser: ${kilobytes(all)} with all dependencies (${parts.join(", ")}). ` +
    `Its own code is ${kilobytes(own)} of it, or ${kilobytes(busOnly)} for anyone who imports \`createEventBus\` only.`
  );
}

/** The figures next to their budgets, as rows of a table. */
export function sizeRows(size: SizeResult): string[][] {
  return FIGURES.map((figure) => [
    MEANINGS[figure],
    kilobytes(size[figure]),
    kilobytes(BUDGETS[figure]),
  ]);
}

export function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

async function sizeWithout(
  external: readonly string[],
  instead: BuildOptions = {},
): Promise<number> {
  return await bundledSize(ENTRY, ({ entryPoints, ...config }: BuildOptions) => ({
    ...config,
    ...(instead.stdin || !entryPoints ? instead : { entryPoints }),
    ...browserBundle(external),
  }));
}

function browserBundle(external: readonly string[]): BuildOptions {
  return {
    external: external.flatMap((name) => [name, `${name}/*`]),
    format: "esm",
    platform: "browser",
    conditions: ["@ringrift/source", "browser"],
  };
}
