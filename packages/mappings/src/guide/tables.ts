import type { AnyCatalogue, Catalogue } from "../catalogue/catalogue.ts";
import type {
  CrossProcessToData,
  DataToCrossProcess,
  DataToStage,
  StageToCrossProcess,
  StageToData,
} from "../catalogue/contracts.ts";
import type { EventDefinitions } from "../catalogue/event.ts";
import { selfplayCatalogue, type SelfplayEvents } from "./selfplay.ts";

/** Name → name on another bus. */
export type NameTable = Readonly<Record<string, string>>;

/** The five tables between stage, data-tier and queue names. */
export interface MappingTables {
  readonly stageToData: NameTable;
  readonly dataToCrossProcess: NameTable;
  readonly stageToCrossProcess: NameTable;
  readonly dataToStage: NameTable;
  readonly crossProcessToData: NameTable;
}

/** The same with every name known to the compiler. */
export interface TypedMappingTables<D extends EventDefinitions> extends MappingTables {
  readonly stageToData: StageToData<D>;
  readonly dataToCrossProcess: DataToCrossProcess<D>;
  readonly stageToCrossProcess: StageToCrossProcess<D>;
  readonly dataToStage: DataToStage<D>;
  readonly crossProcessToData: CrossProcessToData<D>;
}

/**
 * The tables of a catalogue: frozen objects without a prototype, so that `constructor` is not in
 * them. They hold canonical names only; aliases are found by `catalogue.entryFor`.
 *
 * @example mappingTables(shop).dataToCrossProcess.order_placed // "ORDER_PLACED"
 */
export function mappingTables<D extends EventDefinitions>(
  catalogue: Catalogue<D>,
): TypedMappingTables<D>;
export function mappingTables(catalogue: AnyCatalogue): MappingTables;
export function mappingTables(catalogue: AnyCatalogue): MappingTables {
  const entries = [...catalogue.entries.values()];
  const stages = entries.flatMap((entry) => entry.stages);
  const data = entries.map((entry) => entry.data);
  const queue = entries.flatMap((entry) => entry.crossProcess ?? []);
  return Object.freeze({
    stageToData: table(stages, (name) => catalogue.entryForStage(name)?.data),
    dataToCrossProcess: table(data, (name) => catalogue.entryForData(name)?.crossProcess),
    stageToCrossProcess: table(stages, (name) => catalogue.entryForStage(name)?.crossProcess),
    dataToStage: table(data, (name) => catalogue.entryForData(name)?.stages[0]),
    crossProcessToData: table(queue, (name) => catalogue.entryForQueue(name)?.data),
  });
}

function table(names: readonly string[], target: (name: string) => string | undefined): NameTable {
  const rows: Record<string, string> = Object.create(null);
  for (const name of names) {
    const value = target(name);
    if (value !== undefined) rows[name] = value;
  }
  return Object.freeze(rows);
}

const tables: TypedMappingTables<SelfplayEvents> = mappingTables(selfplayCatalogue);

/** Stage → data-tier name, for the self-play catalogue. */
export const STAGE_TO_DATA_EVENT_MAP: StageToData<SelfplayEvents> = tables.stageToData;

/** Data-tier name → queue name, for the self-play catalogue. */
export const DATA_TO_CROSS_PROCESS_MAP: DataToCrossProcess<SelfplayEvents> =
  tables.dataToCrossProcess;

/** Stage → queue name, for the self-play catalogue: the composition of the other two. */
export const STAGE_TO_CROSS_PROCESS_MAP: StageToCrossProcess<SelfplayEvents> =
  tables.stageToCrossProcess;

/** Data-tier name → the stage that stands for it, for the self-play catalogue. */
export const DATA_TO_STAGE_EVENT_MAP: DataToStage<SelfplayEvents> = tables.dataToStage;

/** Queue name → data-tier name, for the self-play catalogue: the inverse of data → queue. */
export const CROSS_PROCESS_TO_DATA_MAP: CrossProcessToData<SelfplayEvents> =
  tables.crossProcessToData;
