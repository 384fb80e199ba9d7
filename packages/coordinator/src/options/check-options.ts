import { toMillis } from "@ringrift/envelope";
import { checkGroupName } from "@ringrift/event-queue/backend";
import { type AnyCatalogue, didYouMean } from "@ringrift/mappings";
import { checkParts } from "./check-parts.ts";
import type { Direction } from "../carrying/counters.ts";
import { CoordinatorError } from "../errors.ts";
import type {
  CatchUpOptions,
  CoordinatorOptions,
  DurablePublishOptions,
  StopOptions,
} from "./options.ts";

const OPTIONS: ReadonlySet<string> = new Set<keyof CoordinatorOptions<AnyCatalogue>>([
  "bridges",
  "bus",
  "catalogue",
  "catchUp",
  "node",
  "onDeadLetter",
  "onError",
  "queue",
  "spoolLimit",
  "stages",
]);
const BRIDGES: ReadonlySet<string> = new Set<Direction>([
  "stageToTopic",
  "topicToQueue",
  "queueToTopic",
]);
const CATCH_UP: ReadonlySet<string> = new Set<keyof CatchUpOptions>(["history", "since"]);
const STOP: ReadonlySet<string> = new Set<keyof StopOptions>(["timeoutMs"]);
/** Headers that say what the library means: nobody else may write them. */
const RESERVED = /^ringrift-/i;
const PUBLISH: ReadonlySet<string> = new Set<keyof DurablePublishOptions>([
  "correlationId",
  "dedupeKey",
  "headers",
  "key",
  "metadata",
  "source",
  "traceparent",
]);

/**
 * Refuses what would otherwise be ignored in silence, or fail at the start.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 * @throws EnvelopeError `INVALID_TIME`
 */
export function checkCoordinatorOptions(options: CoordinatorOptions<AnyCatalogue>): void {
  checkOptionNames("createCoordinator", options, OPTIONS);
  checkParts(options);
  const { node, spoolLimit, onError, onDeadLetter, bridges, catchUp } = options;
  if (node !== undefined) checkNode(node);
  if (spoolLimit !== undefined && !(Number.isSafeInteger(spoolLimit) && spoolLimit >= 1)) {
    throw invalid("spoolLimit", spoolLimit, "Give a whole number of events from 1.");
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw invalid("onError", onError, "Give a function.");
  }
  if (onDeadLetter !== undefined && typeof onDeadLetter !== "function") {
    throw invalid("onDeadLetter", onDeadLetter, "Give a function.");
  }
  if (bridges !== undefined) checkOptionNames("bridges", bridges, BRIDGES);
  if (catchUp === undefined) return;
  checkOptionNames("catchUp", catchUp, CATCH_UP);
  if (catchUp.since !== undefined) toMillis(catchUp.since, "catchUp.since");
}

/**
 * Checks the options of `stop`, `close` or `flush`.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 */
export function checkStopOptions(call: string, options: StopOptions): void {
  checkOptionNames(call, options, STOP);
  const { timeoutMs } = options;
  if (timeoutMs === undefined || (Number.isFinite(timeoutMs) && timeoutMs >= 0)) return;
  throw invalid("timeoutMs", timeoutMs, "Give milliseconds from 0, or leave it out for no limit.");
}

/**
 * Checks the options of a durable publish, as far as the queue doesn't.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 */
export function checkPublishOptions(options: DurablePublishOptions): void {
  checkOptionNames("publish", options, PUBLISH);
  const { metadata, headers } = options;
  const reserved = Object.keys(headers ?? {}).find((name) => RESERVED.test(name));
  if (reserved !== undefined) {
    throw invalid("headers", reserved, 'Names that begin with "ringrift-" are the library\'s own.');
  }
  if (metadata === undefined || (typeof metadata === "object" && metadata !== null)) return;
  throw invalid("metadata", metadata, "Give an object.");
}

/**
 * Refuses options that don't exist, with the nearest that does.
 *
 * @throws CoordinatorError `INVALID_OPTION`
 */
export function checkOptionNames(where: string, options: object, known: ReadonlySet<string>): void {
  if (typeof options !== "object" || options === null) {
    throw new CoordinatorError(
      "INVALID_OPTION",
      `Options of ${where} are "${String(options)}". Give an object.`,
    );
  }
  const unknown = Object.keys(options).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new CoordinatorError(
    "INVALID_OPTION",
    `${where} has no option "${unknown}". ${didYouMean(unknown, known) ?? `It has ${[...known].join(", ")}.`}`,
  );
}

function checkNode(node: unknown): void {
  try {
    checkGroupName(node);
  } catch (cause) {
    throw new CoordinatorError(
      "INVALID_OPTION",
      `Option "node" is "${shown(node)}". Give 1 to 128 letters, digits or "_.:/@-", beginning with a letter, a digit or "_", e.g. "trainer-1"; or none.`,
      { cause },
    );
  }
}

function invalid(option: string, value: unknown, advice: string): CoordinatorError {
  return new CoordinatorError(
    "INVALID_OPTION",
    `Option "${option}" is "${shown(value)}". ${advice}`,
  );
}

function shown(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 60) : String(value);
}
