import type { AnyCatalogue } from "@ringrift/mappings";
import { CoordinatorError } from "../errors.ts";
import type { CoordinatorOptions } from "./options.ts";

/** What tells a part from anything else: some of the calls that a coordinator makes of it. */
const CALLS = {
  queue: ["send", "group", "history", "stats"],
  bus: ["publish", "subscribe", "stats"],
  stages: ["emit", "subscribe", "stats"],
  catalogue: ["entryFor", "entryForTopic", "entryForStage", "entryForQueue"],
} as const;
const ADVICE = {
  queue: 'Give an event queue, e.g. new CrossProcessEventQueue("data/events.db").',
  bus: "Give what createEventBus() returns.",
  stages: "Give what createStageEventBus() returns.",
  catalogue: "Give what defineCatalogue() returns.",
} as const;

/**
 * Refuses parts that are none, and a stage bus of another catalogue: at the first event it would be too late.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 */
export function checkParts(options: CoordinatorOptions<AnyCatalogue>): void {
  for (const name of ["catalogue", "bus", "stages", "queue"] as const) {
    const given: unknown = options[name];
    if (given !== undefined && !has(given, CALLS[name])) {
      throw new CoordinatorError(
        "INVALID_OPTION",
        `Option "${name}" is ${shown(given)}. ${ADVICE[name]}`,
      );
    }
  }
}

/**
 * Refuses a stage bus that lacks stages of the catalogue.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 */
export function checkStages(
  catalogue: AnyCatalogue,
  stages: { stats(): { readonly stages: readonly string[] } },
): void {
  const known = new Set(stages.stats().stages);
  const missing = [...catalogue.stages.names].find((name) => !known.has(name));
  if (missing === undefined) return;
  throw new CoordinatorError(
    "INVALID_OPTION",
    `Option "stages" is the stage bus of another catalogue: it has no stage "${missing}". Make it of the same one, createStageEventBus({ catalogue }), or leave it out.`,
  );
}

function has(value: unknown, calls: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return calls.every((call) => typeof Reflect.get(value, call) === "function");
}

function shown(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 60)}"`;
  if (typeof value !== "object" || value === null) return String(value);
  return `an object with ${Object.keys(value).slice(0, 5).join(", ") || "nothing in it"}`;
}
