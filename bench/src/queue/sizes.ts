import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type {
  Figure,
  FiguresScenario,
  SampledScenario,
  Sampler,
  Scenario,
} from "../runner/scenario.ts";
import { afterRare, logOf, RARE, SIZES } from "./logs.ts";

const POLLS = 500;
const CLAIMS = 20;
const AT_ONCE = 100;
const READ_AT_ONCE = 1_000;
const MIB = 2 ** 20;
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

/** In a process of its own, as every scenario: so its memory is the queue's. */
function memory(): FiguresScenario {
  const { name, events } = LARGEST;
  return {
    kind: "figures",
    id: "memory",
    title: `memory, ${name} read through`,
    operation:
      "Resident memory of a process whose group receives every event, 1,000 at a time, and acks it.",
    async measure() {
      const queue = new CrossProcessEventQueue(await logOf(events), { survives: "process-crash" });
      const group = queue.group("memory");
      const readings: number[] = [];
      for (let read = 0; read < events;) {
        const leased = await group.receive({ limit: READ_AT_ONCE });
        if (leased.length === 0)
          throw new Error(`The log ended after ${read} of ${events} events.`);
        await Promise.all(leased.map((event) => event.ack()));
        read += leased.length;
        readings.push(process.memoryUsage.rss() / MIB);
      }
      await queue.close();
      return figures(readings);
    },
  };
}

function figures(readings: readonly number[]): Figure[] {
  const quarter = Math.floor(readings.length / 4);
  const highest = (from: number, to: number): number => Math.max(...readings.slice(from, to));
  const grown = highest(readings.length - quarter, readings.length) / highest(0, quarter);
  return [
    { name: "highest", unit: "MiB", values: [highest(0, readings.length)], atMost: 120 },
    { name: "last quarter to first", unit: "×", values: [grown], atMost: 1.1 },
  ];
}
