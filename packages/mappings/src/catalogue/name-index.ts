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

/** All names of one kind, and whose they are. */
interface Names {
  /** The kind, for messages. */
  readonly what: string;
  readonly owners: Map<string, CatalogueEntry>;
}

/** Indexes entries by all their names. */
export function indexNames(entries: Iterable<CatalogueEntry>): NameIndex {
  const topics = new Map<string, CatalogueEntry>();
  const stages: Names = { what: "stage", owners: new Map() };
  const data: Names = { what: "data name", owners: new Map() };
  const queue: Names = { what: "queue name", owners: new Map() };
  const aliases: Names = { what: "alias", owners: new Map() };
  const all = [...entries];
  for (const entry of all) {
    topics.set(entry.topic, entry);
    claim(data, entry.data, entry);
    if (entry.crossProcess !== undefined) claim(queue, entry.crossProcess, entry);
    for (const stage of entry.stages) claim(stages, stage, entry);
  }
  for (const entry of all) {
    for (const alias of entry.aliases) {
      const owner = queue.owners.get(alias);
      if (owner) throw taken(`alias "${alias}"`, owner, entry);
      claim(aliases, alias, entry);
    }
  }
  const any = new Map<string, CatalogueEntry | undefined>();
  const index = {
    topics,
    stages: stages.owners,
    data: data.owners,
    queue: queue.owners,
    aliases: aliases.owners,
  };
  for (const names of Object.values(index)) {
    for (const [name, entry] of names) {
      any.set(name, any.has(name) && any.get(name) !== entry ? undefined : entry);
    }
  }
  return { ...index, any };
}

function claim({ what, owners }: Names, name: string, entry: CatalogueEntry): void {
  const owner = owners.get(name);
  if (owner) throw taken(`${what} "${name}"`, owner, entry);
  owners.set(name, entry);
}

/** `name`: with its kind, as messages show it. */
function taken(name: string, owner: CatalogueEntry, entry: CatalogueEntry): CatalogueError {
  const who =
    owner === entry ? `twice by "${entry.topic}"` : `by "${owner.topic}" and "${entry.topic}"`;
  return new CatalogueError(
    "DUPLICATE_NAME",
    `The ${name} is used ${who}. A name means one event: give one of them another.`,
  );
}
