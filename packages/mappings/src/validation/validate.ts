import { printable } from "@ringrift/envelope";
import type { AnyCatalogue } from "../catalogue/catalogue.ts";
import type { CatalogueEntry } from "../catalogue/entry.ts";
import { isSnakeName, isTopic, isUpperSnakeName } from "../catalogue/grammar.ts";
import { emitterName } from "../catalogue/names.ts";
import { selfplayCatalogue } from "../guide/selfplay.ts";
import { mappingTables } from "../guide/tables.ts";
import { type MappingProblem, validateTables } from "./validate-tables.ts";

/**
 * Looks for what would lose or confuse an event: paths between buses that don't commute or come back,
 * failures without a topic, names outside a bus's grammar, events that no queue carries and that
 * are not declared local, spellings that two buses understand differently. Run it at start and in a test.
 *
 * @param catalogue @default selfplayCatalogue
 * @returns the problems; empty for a sound catalogue
 * @example validateMappings(shop) // []
 */
export function validateMappings(
  catalogue: AnyCatalogue = selfplayCatalogue,
): readonly MappingProblem[] {
  const entries = [...catalogue.entries.values()];
  const local = new Set(entries.filter((entry) => entry.local).map((entry) => entry.data));
  return [
    ...validateTables(mappingTables(catalogue), { local }),
    ...entries.flatMap((entry) => [
      ...lookups(catalogue, entry),
      ...grammar(entry),
      ...outcome(catalogue, entry),
    ]),
    ...ambiguities(catalogue, entries),
    ...emitters(entries),
  ];
}

function* lookups(catalogue: AnyCatalogue, entry: CatalogueEntry): Generator<MappingProblem> {
  const { topic, data, crossProcess, stages, aliases, local } = entry;
  const found: [kind: string, name: string, owner: CatalogueEntry | undefined][] = [
    ["topic", topic, catalogue.entryForTopic(topic)],
    ["data name", data, catalogue.entryForData(data)],
  ];
  for (const name of stages) found.push(["stage", name, catalogue.entryForStage(name)]);
  for (const name of aliases) found.push(["alias", name, catalogue.entryForQueue(name)]);
  if (crossProcess !== undefined) {
    found.push(["queue name", crossProcess, catalogue.entryForQueue(crossProcess)]);
  } else if (!local) {
    yield problem(
      "UNMAPPED",
      topic,
      `"${topic}" has no queue name and would stay in its process unsaid. Give it one, or declare it local.`,
    );
  }
  for (const [kind, name, owner] of found) {
    if (owner === undefined) {
      yield problem("UNKNOWN_TARGET", name, `The ${kind} "${name}" of "${topic}" leads nowhere.`);
    } else if (owner.topic !== topic) {
      yield problem(
        "NOT_INVERTIBLE",
        name,
        `The ${kind} "${name}" of "${topic}" leads back to "${owner.topic}". A name means one event.`,
      );
    }
  }
}

function* grammar(entry: CatalogueEntry): Generator<MappingProblem> {
  const wrong = (kind: string, name: string, wanted: string): MappingProblem =>
    problem("BAD_GRAMMAR", name, `The ${kind} "${name}" of "${entry.topic}" is not ${wanted}.`);

  if (!isTopic(entry.topic))
    yield wrong("topic", entry.topic, "dotted segments of A-Z a-z 0-9 _ -");
  if (!isSnakeName(entry.data)) yield wrong("data name", entry.data, "snake_case");
  for (const name of entry.stages) if (!isSnakeName(name)) yield wrong("stage", name, "snake_case");
  if (entry.crossProcess !== undefined && !isUpperSnakeName(entry.crossProcess)) {
    yield wrong("queue name", entry.crossProcess, "UPPERCASE_SNAKE");
  }
}

function* outcome(catalogue: AnyCatalogue, entry: CatalogueEntry): Generator<MappingProblem> {
  if (entry.stages.length === 0) return;
  if (entry.failure === undefined && !entry.isFailure) {
    yield problem(
      "MISSING_FAILURE",
      entry.topic,
      `"${entry.topic}" has stages and no failure topic: a failed stage could only look like a success. Add a failure.`,
    );
  }
  for (const name of [entry.failure, entry.rejection]) {
    if (name === undefined) continue;
    const target = catalogue.entryForTopic(name);
    if (!target) {
      yield problem(
        "MISSING_FAILURE",
        name,
        `"${entry.topic}" fails as "${name}", which is not in the catalogue. Define it, or name another with "failure".`,
      );
      continue;
    }
    if (target.failure !== undefined || target.rejection !== undefined || target === entry) {
      yield problem(
        "FAILURE_NOT_TERMINAL",
        name,
        `"${entry.topic}" fails as "${name}", which has a failure of its own. Name a topic that means failure and nothing else.`,
      );
    }
    if (target.local && !entry.local) {
      yield problem(
        "FAILURE_STAYS_LOCAL",
        name,
        `"${entry.topic}" crosses processes and its failure "${name}" does not: others would wait for ever. Make both local or neither.`,
      );
    }
  }
}

function* ambiguities(
  catalogue: AnyCatalogue,
  entries: readonly CatalogueEntry[],
): Generator<MappingProblem> {
  const owners = new Map<string, CatalogueEntry>();
  const reported = new Set<string>();
  for (const entry of entries) {
    const { topic, data, crossProcess, stages, aliases } = entry;
    for (const name of [topic, data, ...stages, crossProcess ?? topic, ...aliases]) {
      const owner = owners.get(name) ?? entry;
      owners.set(name, owner);
      if (owner === entry || reported.has(name) || catalogue.entryFor(name)) continue;
      reported.add(name);
      yield problem(
        "AMBIGUOUS_NAME",
        name,
        `"${name}" means "${owner.topic}" on one bus and "${topic}" on another. Rename one of them.`,
      );
    }
  }
}

function* emitters(entries: readonly CatalogueEntry[]): Generator<MappingProblem> {
  const owners = new Map<string, string>();
  for (const { topic } of entries) {
    const name: string = emitterName(topic);
    const owner = owners.get(name);
    if (owner !== undefined) {
      yield problem(
        "EMITTER_COLLISION",
        topic,
        `"${owner}" and "${topic}" share the emitter name "${name}". Rename one of the topics.`,
      );
    }
    owners.set(name, topic);
  }
}

function problem(code: MappingProblem["code"], name: string, message: string): MappingProblem {
  return { code, name, message: printable(message) };
}
