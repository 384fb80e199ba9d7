import { printable, quoted } from "@ringrift/envelope";
import { CatalogueError } from "../errors.ts";
import type { EventDefinitions, EventOptions } from "./event.ts";
import { isTopic } from "./grammar.ts";
import { snakeName, upperSnakeName } from "./names.ts";

/** One event as a value: its names on every bus, and what its failure is called. */
export interface CatalogueEntry {
  /** The canonical name, `training.completed`. */
  readonly topic: string;
  /** The data-tier name, `training_completed`. */
  readonly data: string;
  /** The name on the queue, `TRAINING_COMPLETED`; `undefined` for a local event. */
  readonly crossProcess: string | undefined;
  /** Names on the stage bus; the first stands for all. */
  readonly stages: readonly string[];
  /** Spellings that are understood and never produced. */
  readonly aliases: readonly string[];
  /** The topic its stages fail under; `undefined` without stages, and for a failure itself. */
  readonly failure: string | undefined;
  /** The topic of a stage that was turned down without an error, where that differs. */
  readonly rejection: string | undefined;
  /** Whether it is the failure or rejection of another event. */
  readonly isFailure: boolean;
  /** Whether it stays in its process. */
  readonly local: boolean;
  /** Fields of a stage event's `metadata` that become fields of the payload. */
  readonly metadata: readonly string[];
}

const LISTS = ["stages", "aliases", "metadata"] as const;
const NAMES = ["data", "crossProcess", "failure", "rejection"] as const;
const OPTIONS: ReadonlySet<string> = new Set([...LISTS, ...NAMES, "local"]);

/** Reads definitions into entries, with every default filled in. */
export function readEntries(definitions: EventDefinitions): ReadonlyMap<string, CatalogueEntry> {
  const drafts = Object.entries(definitions).map(([topic, definition]) => {
    if (!isTopic(topic)) {
      throw new CatalogueError(
        "INVALID_TOPIC",
        `Topic ${quoted(topic)} is malformed. Write 1 to 32 segments of letters, digits, "_" and "-", separated by dots, such as "order.placed".`,
      );
    }
    const options: EventOptions | undefined = definition?.options;
    checkOptions(topic, options);
    return { topic, options, failure: options.failure ?? defaultFailure(topic, options) };
  });

  const failures = new Set<string | undefined>();
  for (const { options, failure } of drafts) failures.add(failure).add(options.rejection);

  const entries = new Map<string, CatalogueEntry>();
  for (const { topic, options, failure } of drafts) {
    const isFailure = failures.has(topic);
    const local = options.local ?? false;
    entries.set(
      topic,
      Object.freeze({
        topic,
        data: options.data ?? snakeName(topic),
        crossProcess: local ? undefined : (options.crossProcess ?? upperSnakeName(topic)),
        stages: Object.freeze([...(options.stages ?? [])]),
        aliases: Object.freeze([...(options.aliases ?? [])]),
        // A failure ends there: its own default would only lead back to it.
        failure: isFailure ? options.failure : failure,
        rejection: options.rejection,
        isFailure,
        local,
        metadata: Object.freeze([...(options.metadata ?? [])]),
      }),
    );
  }
  return entries;
}

function defaultFailure(topic: string, options: EventOptions): string | undefined {
  return options.stages?.length ? `${topic.split(".", 1)[0]}.failed` : undefined;
}

function checkOptions(topic: string, given: unknown): asserts given is EventOptions {
  if (!isRecord(given)) {
    throw new CatalogueError(
      "INVALID_DEFINITION",
      `The definition of "${topic}" is not one. Write event<Payload>() or named<Payload>()({ … }).`,
    );
  }
  for (const key of Object.keys(given)) {
    if (!OPTIONS.has(key)) {
      throw new CatalogueError(
        "INVALID_DEFINITION",
        `Option ${quoted(key)} of "${topic}" is unknown. Use one of ${[...OPTIONS].join(", ")}.`,
      );
    }
  }
  for (const key of NAMES) if (given[key] !== undefined) requireName(topic, key, given[key]);
  for (const key of LISTS) {
    const list = given[key];
    if (list === undefined) continue;
    if (!Array.isArray(list)) {
      throw new CatalogueError(
        "INVALID_DEFINITION",
        `Option "${key}" of "${topic}" is not a list.`,
      );
    }
    for (const name of list) requireName(topic, `${key}[]`, name);
  }
  if (given["local"] !== undefined && typeof given["local"] !== "boolean") {
    throw new CatalogueError(
      "INVALID_DEFINITION",
      `Option "local" of "${topic}" is not a boolean.`,
    );
  }
  // Kept out of `validateMappings`: one of the two would have to be ignored.
  if (given["local"] === true && typeof given["crossProcess"] === "string") {
    throw new CatalogueError(
      "INVALID_DEFINITION",
      `"${topic}" is local and has the queue name "${given["crossProcess"]}". Leave out one of them.`,
    );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function requireName(topic: string, key: string, value: unknown): void {
  if (typeof value === "string" && value.trim() !== "") return;
  throw new CatalogueError(
    "INVALID_NAME",
    `Option "${key}" of "${topic}" is ${typeof value === "string" ? quoted(value) : printable(value, 60)}. Give a name.`,
  );
}
