import type { EventBus, Subscription } from "@ringrift/core-bus";
import type { AnyContracts } from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";
import type { Counters } from "../carrying/counters.ts";
import { adviceFor } from "../carrying/queue-type.ts";
import { WarnedNames } from "../host/warned-names.ts";
import { emitCoordinatorWarning } from "../host/warning.ts";

export interface UnmappedOptions {
  readonly bus: EventBus<AnyContracts>;
  readonly catalogue: AnyCatalogue;
  readonly counters: Counters;
}

/** Catalogues of the coordinators on a bus: what one doesn't know may be another's. */
const catalogues = new WeakMap<object, AnyCatalogue[]>();

/**
 * Watches a bus for topics that no catalogue has: their events stay in this process, which a typo doesn't
 * mean. Counts them, and warns once a name. It takes nothing from the mapped topics' way.
 */
export class UnmappedTopics {
  readonly #options: UnmappedOptions;
  readonly #warned = new WarnedNames();
  #subscription: Subscription | undefined;

  constructor(options: UnmappedOptions) {
    this.#options = options;
  }

  attach(): void {
    const { bus, catalogue } = this.#options;
    const known = catalogues.get(bus) ?? [];
    catalogues.set(bus, known);
    known.push(catalogue);
    this.#subscription = bus.subscribe(
      { topicPattern: othersThan(catalogue.entries.keys()) },
      ({ topic }) => {
        if (!known.some((one) => one.entries.has(topic))) this.#take(topic);
      },
      { priority: Number.MAX_VALUE, tap: true, name: "unmapped topics" },
    );
  }

  detach(): void {
    if (!this.#subscription) return;
    this.#subscription();
    this.#subscription = undefined;
    const { bus, catalogue } = this.#options;
    const known = catalogues.get(bus) ?? [];
    known.splice(known.indexOf(catalogue), 1);
  }

  #take(topic: string): void {
    const { catalogue, counters } = this.#options;
    counters.drop("unmapped");
    if (!this.#warned.add(topic)) return;
    emitCoordinatorWarning(
      "RINGRIFT_UNMAPPED_TOPIC",
      `Topic "${topic}" is not in the catalogue, so its events stay in this process. ${adviceFor(catalogue, topic)} When it is meant for this process alone, define it with "local: true".`,
    );
  }
}

/** Matches every topic but these. */
function othersThan(topics: Iterable<string>): RegExp {
  const names = Array.from(topics, (topic) => topic.replaceAll(".", String.raw`\.`));
  return new RegExp(`^(?!(?:${names.join("|")})$)`);
}
