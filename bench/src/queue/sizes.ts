import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { FiguresScenario, SampledScenario, Sampler, Scenario } from "../runner/scenario.ts";
import { afterRare, logOf, RARE, SIZES } from "./logs.ts";

const POLLS = 500;
const CLAIMS = 20;
const AT_ONCE = 100;
/** A log that grows must cost less than twice as much. */
const FLAT = 0.5;
const SMALLEST = SIZES[0]!.name;
const LARGEST = SIZES.at(-1)!;

type Open = (path: string, events: number) => Promise<Sampler>;

/** What the size of the log costs. */
export const sizeScenarios: readonly Scenario[] = [
  bySize({
    id: "empty-poll",
    title: "empty poll",
    operation: "One look of a group that has settled everything.",
    open: (path) => openPolls(path, "settled", undefined, "now"),
  }),
  bySize({
    id: "empty-poll-rare",
    title: "empty poll, rare type",
    operation:
      "One look of a group whose type comes once in a million events, all of them behind it.",
    open: (path, events) => openPolls(path, "rare", [RARE], { position: afterRare(events) }),
  }),
  bySize({
    id: "claim-100",
    title: "claim of 100 and their acks",
    operation: "One event, received with 99 others in the middle of the log, and acked with them.",
    open: openClaims,
  }),
  memory(),
];

function bySize(scenario: {
  id: string;
  title: string;
  operation: string;
  open: Open;
}): SampledScenario {
  const { open, ...texts } = scenario;
  return {
    kind: "sampled",
    ...texts,
    base: SMALLEST,
    candidates: SIZES.map(({ name, events }) => ({
      name,
      open: async () => open(await logOf(events), events),
    })),
    targets: SIZES.slice(1).map(({ name }) => ({
      candidate: name,
      base: SMALLEST,
      atLeast: FLAT,
    })),
  };
}

async function openPolls(
  path: string,
  name: string,
  eventTypes: string[] | undefined,
  from: "now" | { position: number },
): Promise<Sampler> {
  const queue = new CrossProcessEventQueue(path, { survives: "process-crash" });
  const group = queue.group(name, { eventTypes, from });
  await group.ensure();
  await queue.groups.seek(name, from);
  return {
    async sample() {
      const begin = performance.now();
      for (let poll = 0; poll < POLLS; poll += 1) {
        const events = await group.receive({ limit: AT_ONCE });
        if (events.length > 0) throw new Error(`A poll of group "${name}" was not empty.`);
      }
      return ((performance.now() - begin) * 1e6) / POLLS;
    },
    close: () => queue.close(),
  };
}

async function openClaims(path: string, events: number): Promise<Sampler> {
  const queue = new CrossProcessEventQueue(path, { survives: "process-crash" });
  const group = queue.group("claims", { from: "now" });
  await group.ensure();
  return {
    async sample() {
      await queue.groups.seek("claims", { position: Math.floor(events / 2) });
      const begin = performance.now();
      for (let claim = 0; claim < CLAIMS; claim += 1) {
        const leased = await group.receive({ limit: AT_ONCE });
        const held = await Promise.all(leased.map((event) => event.ack()));
        if (held.filter(Boolean).length !== AT_ONCE) throw new Error("Not every ack was held.");
      }
      return ((performance.now() - begin) * 1e6) / (CLAIMS * AT_ONCE);
    },
    close: () => queue.close(),
  };
}

/** Of a process that does nothing else, and of one whose young generation is kept small, as on a small machine. */
function memory(): FiguresScenario {
  const { name, events } = LARGEST;
  return {
    kind: "figures",
    id: "memory",
    title: `memory, ${name} read through`,
    operation:
      "Resident memory of a process whose group receives every event, 100 at a time, and acks it. Node.js lets its young generation grow with what is thrown away, whoever throws it; with 8 MiB for it, what is left is the queue's and Node's own.",
    async measure() {
      const path = await logOf(events);
      const small = await readThrough(path, events, ["--max-semi-space-size=8"]);
      const usual = await readThrough(path, events, []);
      const quarter = Math.floor(small.length / 4);
      const grown = Math.max(...small.slice(-quarter)) / Math.max(...small.slice(0, quarter));
      return [
        { name: "highest, 8 MiB", unit: "MiB", values: [Math.max(...small)], atMost: 120 },
        { name: "last quarter to first", unit: "×", values: [grown], atMost: 1.1 },
        { name: "highest, Node's defaults", unit: "MiB", values: [Math.max(...usual)] },
      ];
    },
  };
}

async function readThrough(path: string, events: number, flags: string[]): Promise<number[]> {
  const file = join(import.meta.dirname, "read-through.mjs");
  const child = fork(file, [path, String(events)], { execArgv: flags });
  let readings: number[] | undefined;
  child.on("message", (message) => {
    // The cast is safe: what the file says.
    readings = message as number[];
  });
  await once(child, "exit");
  if (readings === undefined) throw new Error("Nothing was read through. Is the package built?");
  return readings;
}
