import type { AnyCatalogue } from "@ringrift/mappings";

/** Most types to remember as warned of: they come from outside. */
const MOST_WARNED = 1000;

/** Types of events that the catalogue doesn't know, most likely those of a newer peer: warns once for each. */
export class UnknownTypes {
  readonly #catalogue: AnyCatalogue;
  readonly #warned = new Set<string>();

  constructor(catalogue: AnyCatalogue) {
    this.#catalogue = catalogue;
  }

  warn(type: string): void {
    if (this.#warned.has(type) || this.#warned.size >= MOST_WARNED) return;
    this.#warned.add(type);
    const meant = this.#catalogue.entryFor(type)?.crossProcess;
    const advice =
      meant === undefined
        ? "Most likely a newer version of this program sent it: update this one, or add the type to the catalogue."
        : `Have it sent as "${meant}".`;
    process.emitWarning(
      `Events of type "${type}" come from the queue, and the catalogue doesn't have it, so they don't reach this node's bus. ${advice}`,
      { type: "CoordinatorWarning", code: "RINGRIFT_UNKNOWN_TYPE" },
    );
  }
}
