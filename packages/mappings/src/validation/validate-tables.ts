import { printable } from "@ringrift/envelope";
import type { MappingTables, NameTable } from "../guide/tables.ts";

/** What {@link validateMappings} can find. */
export type MappingProblemCode =
  | "NOT_COMMUTING"
  | "NOT_INVERTIBLE"
  | "UNKNOWN_TARGET"
  | "UNMAPPED"
  | "MISSING_FAILURE"
  | "FAILURE_NOT_TERMINAL"
  | "FAILURE_STAYS_LOCAL"
  | "BAD_GRAMMAR"
  | "AMBIGUOUS_NAME"
  | "EMITTER_COLLISION";

/** One thing that is wrong with a mapping: what, about which name, and what to do. */
export interface MappingProblem {
  readonly code: MappingProblemCode;
  readonly name: string;
  readonly message: string;
}

/**
 * Checks mapping tables by themselves, wherever they come from: whether stage → data → queue is
 * stage → queue, and whether every name leads back (a stage that shares its data name with others
 * leads back to the one that stands for them).
 *
 * @param options.local data-tier names that are meant to have no queue name
 */
export function validateTables(
  tables: MappingTables,
  options: { readonly local?: ReadonlySet<string> } = {},
): readonly MappingProblem[] {
  return [
    ...stages(tables, options.local ?? new Set()),
    ...data(tables, options.local ?? new Set()),
    ...queue(tables),
  ].map(({ code, name, message }) => ({ code, name, message: printable(message) }));
}

function* stages(tables: MappingTables, local: ReadonlySet<string>): Generator<MappingProblem> {
  const names = new Set([
    ...Object.keys(tables.stageToData),
    ...Object.keys(tables.stageToCrossProcess),
  ]);
  for (const stage of names) {
    const dataName = get(tables.stageToData, stage);
    const direct = get(tables.stageToCrossProcess, stage);
    if (dataName === undefined) {
      yield {
        code: "UNMAPPED",
        name: stage,
        message: `The stage "${stage}" has no data name: in its own process nobody would hear of it.`,
      };
      continue;
    }
    const composed = get(tables.dataToCrossProcess, dataName);
    if (direct !== composed && !(local.has(dataName) && direct === undefined)) {
      yield {
        code: "NOT_COMMUTING",
        name: stage,
        message: `The stage "${stage}" goes to "${direct}" directly and to "${composed}" by way of "${dataName}". Make both the same name.`,
      };
    }
    const representative = get(tables.dataToStage, dataName);
    if (representative === undefined || get(tables.stageToData, representative) !== dataName) {
      yield {
        code: "NOT_INVERTIBLE",
        name: stage,
        message: `The stage "${stage}" goes to "${dataName}", and from there back to "${representative}". Let a stage of "${dataName}" stand for it.`,
      };
    }
  }
}

function* data(tables: MappingTables, local: ReadonlySet<string>): Generator<MappingProblem> {
  const names = new Set([
    ...Object.keys(tables.dataToCrossProcess),
    ...Object.keys(tables.dataToStage),
    ...Object.values(tables.stageToData),
  ]);
  for (const name of names) {
    const type = get(tables.dataToCrossProcess, name);
    if (type === undefined) {
      if (local.has(name)) continue;
      yield {
        code: "UNMAPPED",
        name,
        message: `"${name}" has no queue name and would stay in its process unsaid. Give it one, or declare it local.`,
      };
      continue;
    }
    const back = get(tables.crossProcessToData, type);
    if (back !== name) {
      yield {
        code: "NOT_INVERTIBLE",
        name,
        message: `"${name}" goes to "${type}", which comes back as "${back}". Map "${type}" to "${name}".`,
      };
    }
  }
}

function* queue(tables: MappingTables): Generator<MappingProblem> {
  const types = new Set([
    ...Object.keys(tables.crossProcessToData),
    ...Object.values(tables.stageToCrossProcess),
  ]);
  for (const type of types) {
    const name = get(tables.crossProcessToData, type);
    if (name === undefined) {
      yield {
        code: "UNKNOWN_TARGET",
        name: type,
        message: `"${type}" has no way back: every process would receive and lose it. Map it to a data name.`,
      };
    } else if (get(tables.dataToCrossProcess, name) !== type) {
      yield {
        code: "NOT_INVERTIBLE",
        name: type,
        message: `"${type}" comes in as "${name}" and goes out as "${get(tables.dataToCrossProcess, name)}". Let one of them be an alias.`,
      };
    }
  }
}

/** Tables of other people have a prototype: `constructor` is in them only if they say so. */
function get(table: NameTable, name: string): string | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
