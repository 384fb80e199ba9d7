import type { CatalogueEntry } from "./entry.ts";
import { CatalogueError } from "../errors.ts";

/** Name → entry, a map per bus: names such as `constructor` are ordinary names. */
export interface NameIndex {
  readonly topics: ReadonlyMap<string, CatalogueEntry>;
  readonly stages: ReadonlyMap<string, CatalogueEntry>;
  readonly data: ReadonlyMap<string, CatalogueEntry>;
  readonly queue: ReadonlyMap<string, CatalogueEntry>;
  readonly aliases: ReadonlyMap<string, CatalogueEntry>;
  /** Any spelling; `undefined` where buses disagree about whose it is. */
  readonly any: ReadonlyMap<string, CatalogueEntry | undefined>;
}

/** Indexes entries by all their names. */
export function indexNames(entries: Iterable<CatalogueEntry>): NameIndex {
  const topics = new Map<string, CatalogueEntry>();
  const stages = new Map<string, CatalogueEntry>();
  const data = new Map<string, CatalogueEntry>();
  const queue = new Map<string, CatalogueEntry>();
  const aliases = new Map<string, CatalogueEntry>();
  const all = [...entries];
  for (const entry of all) {
    topics.set(entry.topic, entry);
    claim(data, entry.data, entry, "data name");
    if (entry.crossProcess !== undefined) claim(queue, entry.crossProcess, entry, "queue name");
    for (const stage of entry.stages) claim(stages, stage, entry, "stage");
  }
  for (const entry of all) {
    for (const alias of entry.aliases) {
      const owner = queue.get(alias);
      if (owner) throw taken("alias", alias, owner, entry);
      claim(aliases, alias, entry, "alias");
    }
  }
  const any = new Map<string, CatalogueEntry | undefined>();
  for (const names of [topics, stages, data, queue, aliases]) {
    for (const [name, entry] of names) {
      any.set(name, any.has(name) && any.get(name) !== entry ? undefined : entry);
    }
  }
  return { topics, stages, data, queue, aliases, any };
}

function claim(
  names: Map<string, CatalogueEntry>,
  name: string,
  entry: CatalogueEntry,
  what: string,
): void {
  const owner = names.get(name);
  if (owner) throw taken(what, name, owner, entry);
  names.set(name, entry);
}

function taken(
  what: string,
  name: string,
  owner: CatalogueEntry,
  entry: CatalogueEntry,
): CatalogueError {
  const who =
    owner === entry ? `twice by "${entry.topic}"` : `by "${owner.topic}" and "${entry.topic}"`;
  return new CatalogueError(
    "DUPLICATE_NAME",
    `The ${what} "${name}" is used ${who}. A name means one event: give one of them another.`,
  );
}
