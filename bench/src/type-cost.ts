import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shuffled, type Spread, spread } from "./runner/statistics.ts";
import { type Machine, thisMachine } from "./runner/machine.ts";

/** What typed patterns cost the compiler, in seconds. */
export interface TypesResult {
  readonly command: string;
  readonly date: string;
  readonly compiler: string;
  readonly machine: Machine;
  readonly topics: number;
  readonly patterns: number;
  readonly emptySeconds: Spread;
  readonly typedSeconds: Spread;
  readonly addedSeconds: number;
  readonly atMostSeconds: number;
}

const TOPICS = 500;
const PATTERNS = 40;
const AT_MOST_SECONDS = 2;
const ROUNDS = 3;
const ROOT = join(import.meta.dirname, "../..");

/** Compiles a file with so many topics and patterns, and one that imports the same and no more. */
export function measureTypes(): TypesResult {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-types-"));
  try {
    const programs = ["empty", "typed"] as const;
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeProgram(join(folder, "empty"), emptySource());
    writeProgram(join(folder, "typed"), typedSource(TOPICS, PATTERNS));
    const seconds = { empty: [] as number[], typed: [] as number[] };
    // The first one warms up the disk.
    compile(join(folder, "empty"));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const program of shuffled(programs)) {
        seconds[program].push(compile(join(folder, program)));
      }
    }
    const typedSeconds = spread(seconds.typed);
    const emptySeconds = spread(seconds.empty);
    return {
      command: "pnpm bench types",
      date: new Date().toISOString().slice(0, 10),
      compiler: tsc("--version").output.trim().replace("Version", "TypeScript"),
      machine: thisMachine(),
      topics: TOPICS,
      patterns: PATTERNS,
      emptySeconds,
      typedSeconds,
      addedSeconds: typedSeconds.median - emptySeconds.median,
      atMostSeconds: AT_MOST_SECONDS,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The figures as a sentence for people. */
export function typesText(result: TypesResult): string {
  const { topics, patterns, addedSeconds, atMostSeconds, emptySeconds, compiler } = result;
  return (
    `${patterns} typed pattern subscriptions over ${topics} topics add ${addedSeconds.toFixed(2)} s to ` +
    `the ${emptySeconds.median.toFixed(2)} s that ${compiler} takes without them (at most ${atMostSeconds} s).`
  );
}

/** A program that declares topics and subscribes patterns, each of which matches some of them. */
export function typedSource(topics: number, patterns: number): string {
  const declared = Array.from(
    { length: topics },
    (_, index) => `  "${topicName(index)}": { readonly n${index}: number };`,
  );
  const subscribed = Array.from({ length: patterns }, (_, index) => {
    const pattern = patternName(index, topics);
    return `bus.subscribe("${pattern}", (event) => { const { topic, payload } = event; return [topic, payload]; });`;
  });
  return [
    'import { createEventBus } from "@ringrift/core-bus";',
    "interface Topics {",
    ...declared,
    "}",
    "const bus = createEventBus<Topics>();",
    ...subscribed,
    "",
  ].join("\n");
}

function emptySource(): string {
  return 'import { createEventBus } from "@ringrift/core-bus";\nexport const bus = createEventBus();\n';
}

/** Ten topics an area, so that a pattern matches one, a few or many. */
function topicName(index: number): string {
  return `area${Math.floor(index / 10)}.kind${index % 10}.done`;
}

/** All of them different: matching every topic, one of each area, a whole area, or a few. */
function patternName(index: number, topics: number): string {
  if (index === 0) return "**.done";
  const area = index % Math.ceil(topics / 10);
  const forms = [
    `area${area}.*.done`,
    `*.kind${Math.floor(index / 4) % 10}.done`,
    `area${area}.**`,
    `area${area}.kind${index % 10}.*`,
  ];
  return forms[index % forms.length]!;
}

function writeProgram(folder: string, source: string): void {
  const options = {
    extends: join(ROOT, "tsconfig.test.json"),
    compilerOptions: {
      rootDir: "/",
      typeRoots: [join(ROOT, "node_modules/@types")],
      paths: {
        "@ringrift/core-bus": [join(ROOT, "packages/core-bus/src/index.ts")],
        "@ringrift/envelope": [join(ROOT, "packages/envelope/src/index.ts")],
      },
    },
    include: [`${folder}.ts`],
  };
  writeFileSync(`${folder}.ts`, source);
  writeFileSync(`${folder}.json`, JSON.stringify(options));
}

/** Seconds. */
function compile(program: string): number {
  const begin = performance.now();
  const { status, output } = tsc("-p", `${program}.json`);
  if (status !== 0) throw new Error(`The measured program doesn't compile.\n${output}`);
  return (performance.now() - begin) / 1000;
}

function tsc(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, error } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), args, {
    encoding: "utf8",
  });
  if (error) throw error;
  return { status, output: stdout };
}
