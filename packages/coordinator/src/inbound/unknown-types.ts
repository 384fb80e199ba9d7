import type { AnyCatalogue } from "@ringrift/mappings";
import { WarnedNames } from "../host/warned-names.ts";
import { emitCoordinatorWarning } from "../host/warning.ts";

/** Types of events that the catalogue doesn't know, most likely those of a newer peer: warns once for each. */
export class UnknownTypes {
  readonly #catalogue: AnyCatalogue;
  readonly #warned = new WarnedNames();

  constructor(catalogue: AnyCatalogue) {
    this.#catalogue = catalogue;
  }

  warn(type: string): void {
    if (!this.#warned.add(type)) return;
    const meant = this.#catalogue.entryFor(type)?.crossProcess;
    const advice =
      meant === undefined
        ? "Most likely a newer version of this program sent it: update this one, or add the type to the catalogue."
        : `Have it sent as "${meant}".`;
    emitCoordinatorWarning(
      "RINGRIFT_UNKNOWN_TYPE",
      `Events of type "${type}" come from the queue, and the catalogue doesn't have it, so they don't reach this node's bus. ${advice}`,
    );
  }
}
