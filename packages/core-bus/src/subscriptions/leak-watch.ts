import type { Entry } from "./subscription-entry.ts";
import { SweptMap } from "../router/swept-map.ts";
import type { TopicSnapshot } from "../signals/stats.ts";
import { emitWarning } from "../host/warning.ts";

/** The code of the process warning for a topic or pattern with very many subscriptions. */
const LEAK_WARNING = "RINGRIFT_SUBSCRIPTION_LEAK";

/** Counts the subscriptions of each topic and pattern, and warns once of each that has too many. */
export class LeakWatch {
  readonly #limit: number;
  readonly #counts = new SweptMap<number>();
  readonly #warned = new Set<string>();

  /** Warns above so many subscriptions of one topic or pattern; 0 for never. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  added({ selector: { text }, name }: Entry): void {
    const count = (this.#counts.get(text) ?? 0) + 1;
    this.#counts.set(text, count);
    if (count <= this.#limit || this.#limit === 0 || this.#warned.has(text)) return;
    this.#warned.add(text);
    emitWarning(
      `"${text}" has ${count} subscriptions, the last one named "${name}". If they are not ended when they should be, this is a leak; if they are all wanted, raise leakWarning (0 for never).`,
      { type: "SubscriptionLeakWarning", code: LEAK_WARNING },
    );
  }

  removed({ selector: { text } }: Entry): void {
    const count = this.#counts.get(text) ?? 0;
    if (count > 1) this.#counts.set(text, count - 1);
    else {
      this.#counts.delete(text);
      this.#warned.delete(text);
    }
  }

  snapshot(): TopicSnapshot[] {
    return Array.from(this.#counts, ([topic, subscriptions]) => ({ topic, subscriptions }));
  }
}
