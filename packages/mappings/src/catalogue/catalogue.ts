import type { EventView } from "@ringrift/envelope";
import type { QueueContracts, StageContracts, TopicContracts } from "./contracts.ts";
import { type CatalogueEntry, readEntries } from "./entry.ts";
import type { EventDefinitions } from "./event.ts";
import { indexNames, type NameIndex } from "./name-index.ts";

/** A catalogue whose events nobody needs to know at compile time: what takes any catalogue takes this. */
export interface AnyCatalogue {
  readonly topics: EventView<object>;
  readonly queue: EventView<object>;
  readonly stages: EventView<object>;
  /** Every entry under its topic, in the order of definition. */
  readonly entries: ReadonlyMap<string, CatalogueEntry>;
  entryForTopic(topic: string): CatalogueEntry | undefined;
  entryForStage(stage: string): CatalogueEntry | undefined;
  /** By the name on the queue or by an alias. */
  entryForQueue(type: string): CatalogueEntry | undefined;
  entryForData(name: string): CatalogueEntry | undefined;
  /** By any spelling at all. `undefined` also where two buses mean different events by it. */
  entryFor(name: string): CatalogueEntry | undefined;
}

/**
 * All events of a system: for each its topic, its names on the other buses and its payload. A value
 * without I/O; nothing in it changes. Every lookup gives `undefined` for a name it doesn't know.
 */
export interface Catalogue<D extends EventDefinitions = EventDefinitions> extends AnyCatalogue {
  /** For `createEventBus({ events })`. */
  readonly topics: EventView<TopicContracts<D>>;
  /** For queues. Local events are not in it. */
  readonly queue: EventView<QueueContracts<D>>;
  /** For stage buses. */
  readonly stages: EventView<StageContracts<D>>;
  /** What it was made of, to make a larger one: `defineCatalogue({ ...shop.definitions, … })`. */
  readonly definitions: D;
}

/**
 * Makes a catalogue. Throws where the definitions contradict each other; what merely looks wrong is
 * for `validateMappings` to tell.
 *
 * @throws CatalogueError `INVALID_TOPIC`, `INVALID_DEFINITION`, `INVALID_NAME`, `DUPLICATE_NAME`
 * @example
 * const shop = defineCatalogue({ "order.placed": event<{ id: string; cents: number }>() });
 * shop.entryForQueue("ORDER_PLACED")?.topic; // "order.placed"
 */
export function defineCatalogue<const D extends EventDefinitions>(definitions: D): Catalogue<D> {
  const entries = readEntries(definitions);
  const index = indexNames(entries.values());
  return Object.freeze({
    topics: viewOf<TopicContracts<D>>("topics", index, (entry) => entry.topic),
    queue: viewOf<QueueContracts<D>>("queue", index, (entry) => entry.crossProcess),
    stages: viewOf<StageContracts<D>>("stages", index, (entry) => entry.stages[0]),
    definitions: Object.freeze({ ...definitions }),
    entries,
    entryForTopic: (topic: string) => index.topics.get(topic),
    entryForStage: (stage: string) => index.stages.get(stage),
    entryForQueue: (type: string) => index.queue.get(type) ?? index.aliases.get(type),
    entryForData: (name: string) => index.data.get(name),
    entryFor: (name: string) => index.any.get(name) ?? undefined,
  });
}

function viewOf<C extends object>(
  kind: EventView<C>["kind"],
  index: NameIndex,
  spell: (entry: CatalogueEntry) => string | undefined,
): EventView<C> {
  const own = index[kind];
  return Object.freeze({
    kind,
    names: new Set(own.keys()),
    canonical(name: string): string | undefined {
      if (own.has(name)) return name;
      const entry = index.any.get(name);
      return entry ? spell(entry) : undefined;
    },
    failureOf(name: string): string | undefined {
      // A stage says in its payload how it ended.
      if (kind === "stages") return undefined;
      const failure = (own.get(name) ?? index.aliases.get(name))?.failure;
      if (failure === undefined) return undefined;
      const entry = index.topics.get(failure);
      return (entry && spell(entry)) ?? failure;
    },
  });
}
