import { parseArgs } from "node:util";
import { parseConfigKey } from "./game/index.ts";

/** When a run stops asking for more games. */
export type RunLimit = { readonly seconds: number } | { readonly generations: number };

/** What the command line asked for. */
export interface DemoOptions {
  readonly quick: boolean;
  readonly configKey: string;
  readonly size: number;
  readonly workers: number;
  readonly limit: RunLimit;
  readonly seed: string;
  /** Folder that gets one folder a run. */
  readonly out: string;
  /** Queue file; by default the run's own. */
  readonly db: string | undefined;
  /** Address of a NATS server, or several of a cluster by commas, or "nats" to start one; by default the queue is a file. */
  readonly queue: string | undefined;
  /** Commands that run nodes on other hosts, in turn; none for this one. */
  readonly through: readonly (readonly string[])[];
}

/** What came of reading the command line. A usage error's message is ready to be printed. */
export type ParsedOptions =
  | { readonly kind: "run"; readonly options: DemoOptions }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "usage"; readonly message: string };

const FLAGS = {
  quick: { type: "boolean" },
  config: { type: "string" },
  workers: { type: "string" },
  generations: { type: "string" },
  seconds: { type: "string" },
  seed: { type: "string" },
  db: { type: "string" },
  queue: { type: "string" },
  through: { type: "string" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

export const HELP = `Examples:
  pnpm demo                             about a minute of Hex 7×7, five kinds of processes
  pnpm demo --quick                     Hex 6×6, done within 40 seconds
  pnpm demo --config hex8_2p --seconds 90
  pnpm demo --generations 12 --seed 7   the same champion every time
  pnpm demo --workers 4 --out /tmp/runs
  pnpm demo --queue nats                the same on a nats-server that is started for it

Usage: pnpm demo [options]

A learner plays Hex against itself; self-play, sync, training, evaluation and promotion run
in processes of their own and tell each other by events alone. Ends with a report and a proof
that no event was lost or handled twice. Exit code: 0 when the proof holds, 1 when it doesn't,
2 for wrong usage, 130 when interrupted.

Options:
  --quick             Hex 6×6 for 12 seconds of play
  --config <key>      board and players, hex4_2p to hex9_2p      [hex7_2p; hex6_2p with --quick]
  --workers <n>       self-play processes, 1 to 16               [2]
  --seconds <n>       play so long                               [60; 12 with --quick]
  --generations <n>   or: play so many generations
  --seed <text>       what all chance is drawn from              [7]
  --db <file>         queue file                                 [events.db in the run's folder]
  --queue <where>     nats://host:port, several by commas for a cluster with three copies,
                      or nats to start a server                  [a file]
  --through <command> runs the nodes, in turn if there are several by commas:
                      "ip netns exec host-1, ip netns exec host-2"
  --out <folder>      gets one folder a run                      [runs]
  -h, --help          this text`;

/**
 * Read the command line (without node and script). A literal `--` is skipped, so that both
 * `pnpm demo --quick` and `pnpm demo -- --quick` work. Never throws, never prints, never exits.
 */
export function parseOptions(args: readonly string[]): ParsedOptions {
  try {
    return read(args.filter((arg) => arg !== "--"));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { kind: "usage", message: `${error.message}\nTry --help for examples.` };
  }
}

/** Thrown inside this file only. */
class UsageError extends Error {}

function read(args: readonly string[]): ParsedOptions {
  const { tokens } = parseArgs({ args, options: FLAGS, strict: false, tokens: true });
  const given = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === "positional") throw new UsageError(`"${token.value}" is not an option.`);
    if (token.kind === "option-terminator") continue;
    const flag = Object.entries(FLAGS).find(([name]) => name === token.name)?.[1];
    if (flag === undefined)
      throw new UsageError(`${token.rawName} is not an option.${meant(token.name)}`);
    if (flag.type === "boolean" && token.value !== undefined) {
      throw new UsageError(`--${token.name} takes no value, but got "${token.value}".`);
    }
    const value = flag.type === "boolean" ? "" : token.value;
    if (value === undefined || (flag.type === "string" && (value === "" || isFlag(value)))) {
      throw new UsageError(
        `--${token.name} needs a value, such as ${EXAMPLES[token.name] ?? "7"}.`,
      );
    }
    given.set(token.name, value);
  }
  if (given.has("help")) return { kind: "help", text: HELP };
  return { kind: "run", options: build(given) };
}

function build(given: ReadonlyMap<string, string>): DemoOptions {
  const quick = given.has("quick");
  if (given.has("seconds") && given.has("generations")) {
    throw new UsageError("--seconds and --generations exclude each other; give one of them.");
  }
  const configKey = given.get("config") ?? (quick ? "hex6_2p" : "hex7_2p");
  return {
    quick,
    configKey,
    size: sizeOf(configKey),
    workers: whole(given, "workers", 2, 16),
    limit: given.has("generations")
      ? { generations: whole(given, "generations", 1, 10_000) }
      : { seconds: whole(given, "seconds", quick ? 12 : 60, 86_400) },
    seed: given.get("seed") ?? "7",
    out: given.get("out") ?? "runs",
    db: given.get("db"),
    queue: queueOf(given),
    through: throughOf(given),
  };
}

function queueOf(given: ReadonlyMap<string, string>): string | undefined {
  const where = given.get("queue");
  if (where === undefined) return undefined;
  if (given.has("db"))
    throw new UsageError("--db and --queue exclude each other; give one of them.");
  if (where === "nats" || /^nats:\/\/[^#\s]+$/.test(where)) return where;
  throw new UsageError(
    `--queue "${where}" is neither "nats" nor an address such as nats://127.0.0.1:4222.`,
  );
}

function throughOf(given: ReadonlyMap<string, string>): string[][] {
  const text = given.get("through");
  if (text === undefined) return [];
  return text.split(",").map((command) => {
    const words = command.split(/\s+/).filter((word) => word !== "");
    if (words.length > 0) return words;
    throw new UsageError(`--through "${text}" has an empty command.`);
  });
}

function sizeOf(configKey: string): number {
  try {
    return parseConfigKey(configKey).size;
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

function whole(
  given: ReadonlyMap<string, string>,
  name: string,
  fallback: number,
  most: number,
): number {
  const text = given.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= most) return value;
  throw new UsageError(`--${name} "${text}" is not a whole number from 1 to ${most}.`);
}

const EXAMPLES: Readonly<Record<string, string>> = {
  config: '"hex7_2p"',
  out: '"runs"',
  db: '"events.db"',
  queue: '"nats"',
  through: '"ip netns exec host-1"',
};

function isFlag(value: string): boolean {
  return value.startsWith("--");
}

function meant(name: string): string {
  const [closest] = Object.keys(FLAGS)
    .map((flag) => ({ flag, distance: editDistance(name, flag) }))
    .toSorted((a, b) => a.distance - b.distance);
  if (closest === undefined || closest.distance > Math.max(2, closest.flag.length / 3)) return "";
  return ` Did you mean --${closest.flag}?`;
}

/** Levenshtein distance: how many letters to change, add or drop. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
