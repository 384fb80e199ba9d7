/** Four figures for each README: what a user may expect, next to something that the user knows. */
import type { SuiteResult } from "../runner/results.ts";
import { figure, table } from "../runner/table.ts";
import { kilobytes, type SizeResult } from "../size.ts";

/** The figures of the root README: the bus inside a process, the queue between processes. */
export function overview(bus: SuiteResult, queue: SuiteResult): string {
  return withOrigin(
    [
      ["publish to one handler in the same process", time(bus, "publish-1-history", "core-bus")],
      ["`send` that survives a power cut, one after another", rate(queue, "send-1-power-loss")],
      ["publish → handle → ack between two processes, batches of 100", rate(queue, "pipeline-100")],
      ["from a commit to the handler in another process", wakeUp(queue)],
    ],
    { head: ["figure", "measured"], results: queue, command: "pnpm bench bus, pnpm bench queue" },
  );
}

export function ofBus(bus: SuiteResult, size: SizeResult): string {
  return withOrigin(
    [
      [
        "`publishSync` to one handler, history on",
        time(bus, "publish-1-history", "core-bus"),
        `eventemitter3 ${time(bus, "publish-1-history", "eventemitter3")}, without history`,
      ],
      [
        "awaited publish to ten `async` handlers in parallel",
        time(bus, "awaited-async-10", "core-bus"),
        `emittery ${time(bus, "awaited-async-10", "emittery")}`,
      ],
      [
        "publish that three of 1,000 patterns match",
        time(bus, "patterns-hot", "core-bus"),
        `eventemitter2 ${time(bus, "patterns-hot", "eventemitter2")}`,
      ],
      [
        "bundle for a browser, minified and gzipped (`pnpm bench size`)",
        kilobytes(size.all),
        `${kilobytes(size.own)} without dependencies`,
      ],
    ],
    { head: ["figure", "core-bus", "compare"], results: bus, command: bus.command },
  );
}

export function ofQueue(queue: SuiteResult): string {
  return withOrigin(
    [
      [
        "`send`, survives a power cut, one after another",
        rate(queue, "send-1-power-loss"),
        `bare SQLite inserts ${rate(queue, "send-1-power-loss", "raw inserts")}`,
      ],
      [
        "`sendMany` of 100, survives a power cut",
        rate(queue, "send-many-100-power-loss"),
        `bare SQLite inserts ${rate(queue, "send-many-100-power-loss", "raw inserts")}`,
      ],
      [
        'publish → handle → ack, batches of 100, `"process-crash"`',
        rate(queue, "pipeline-100"),
        `Redis Streams, everysec ${rate(queue, "pipeline-100", "Redis Streams, everysec")}`,
      ],
      ["from a commit to the handler in another process", wakeUp(queue), "–"],
    ],
    { head: ["figure", "measured", "compare"], results: queue, command: queue.command },
  );
}

export function ofNats(nats: SuiteResult): string {
  const row = (label: string, id: string): string[] => [
    label,
    rate(nats, id, "nats-queue"),
    rate(nats, id, "the bare client"),
  ];
  return withOrigin(
    [
      row("`send`, one after another", "send-1"),
      row("`sendMany` of 100", "send-100"),
      row("`receive` of 1 and its ack", "take-1"),
      row("`receive` of 100 and their acks", "take-100"),
    ],
    { head: ["figure", "nats-queue", "bare client"], results: nats, command: nats.command },
  );
}

interface Origin {
  readonly head: readonly string[];
  readonly results: SuiteResult;
  readonly command: string;
}

function withOrigin(rows: readonly (readonly string[])[], origin: Origin): string {
  const { date, node, machine } = origin.results;
  const commands = origin.command.split(", ").map((command) => `\`${command}\``);
  return [
    table(origin.head, rows),
    `Medians, measured on ${date} with ${commands.join(" and ")}: Node ${node}, ${machine.cores} cores of ${machine.cpu}, ${machine.system}.`,
  ].join("\n\n");
}

/** The median time of an operation: `43.6 ns`, `1.43 µs`. */
function time(results: SuiteResult, id: string, candidate: string): string {
  const ns = nanoseconds(results, id, candidate);
  return ns < 1000 ? `${figure(ns)} ns` : `${figure(ns / 1000)} µs`;
}

/** Events per second: `1,790 per second`. */
function rate(results: SuiteResult, id: string, candidate = "cross-process-queue"): string {
  return `${threeDigits(1e9 / nanoseconds(results, id, candidate))} per second`;
}

function nanoseconds(results: SuiteResult, id: string, candidate: string): number {
  const scenario = results.scenarios.find((one) => one.id === id);
  const found =
    scenario?.kind === "time"
      ? scenario.candidates.find(({ name }) => name === candidate)
      : undefined;
  if (!found) {
    throw new Error(
      `bench/results has no "${candidate}" in the scenario "${id}". Run \`${results.command}\`.`,
    );
  }
  return found.ns.median;
}

function wakeUp(results: SuiteResult): string {
  const scenario = results.scenarios.find((one) => one.id === "wake-up");
  const figures = scenario?.kind === "figures" ? scenario.figures : [];
  const texts = ["p50", "p99"].flatMap((name) =>
    figures
      .filter((one) => one.name === name)
      .map(({ value, unit }) => `${name} ${figure(value.median)} ${unit}`),
  );
  if (texts.length !== 2) {
    throw new Error(
      `bench/results lacks p50 or p99 of the scenario "wake-up". Run \`${results.command}\`.`,
    );
  }
  return texts.join(", ");
}

/** More digits than that would promise what the next run doesn't keep. */
function threeDigits(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en");
}
