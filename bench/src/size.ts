import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type BuildOptions } from "esbuild";
import { bundledSize } from "./size-limit.ts";

/** What core-bus weighs in a browser, minified and gzipped, in bytes. */
export interface SizeResult {
  readonly command: string;
  /** core-bus without its dependencies. */
  readonly own: number;
  readonly ownLimit: number;
  /** core-bus and everything it needs. */
  readonly all: number;
  readonly allLimit: number;
  /** core-bus without its dependencies, as far as a program needs it that imports `createEventBus` only. */
  readonly busOnly: number;
  /** What is saved when one of them is left out. */
  readonly dependencies: Readonly<Record<string, number>>;
}

const OWN_LIMIT = 8000;
const ALL_LIMIT = 20_000;
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
    ownLimit: OWN_LIMIT,
    all,
    allLimit: ALL_LIMIT,
    busOnly: await sizeWithout(names, {
      stdin: {
        contents: 'export { createEventBus } from "./src/index.ts";',
        resolveDir: PACKAGE,
        loader: "ts",
      },
    }),
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

/** What is above its limit, in sentences; empty when nothing is. */
export function sizeProblems(size: SizeResult): string[] {
  const problems: string[] = [];
  if (size.own > size.ownLimit) {
    problems.push(`core-bus's own code is ${size.own} bytes gzipped; at most ${size.ownLimit}.`);
  }
  if (size.all > size.allLimit) {
    problems.push(`core-bus with its dependencies is ${size.all} bytes; at most ${size.allLimit}.`);
  }
  return problems;
}

/** The figures as a sentence for people. */
export function sizeText(size: SizeResult): string {
  const { own, ownLimit, all, allLimit, busOnly, dependencies } = size;
  const parts = Object.entries(dependencies).map(([name, bytes]) => `${name} ${kilobytes(bytes)}`);
  return (
    `Minified and gzipped for a browser: ${kilobytes(own)} own code (at most ${kilobytes(ownLimit)}; ` +
    `${kilobytes(busOnly)} of it for whoever imports \`createEventBus\` only), ` +
    `${kilobytes(all)} with all dependencies (at most ${kilobytes(allLimit)}): ${parts.join(", ")}.`
  );
}

function kilobytes(bytes: number): string {
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
