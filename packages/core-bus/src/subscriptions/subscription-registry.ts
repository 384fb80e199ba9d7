import { quoted } from "@ringrift/envelope";
import { Entry, type EntryHome } from "./subscription-entry.ts";
import { EventBusError } from "../contract/errors.ts";
import { onAbort } from "../host/abort.ts";
import type { FailureReport } from "../signals/failure-report.ts";
import { Router, type Selector } from "../router/router.ts";
import { isList, readSelector, type Selection } from "../topics/selector.ts";
import { LeakWatch } from "./leak-watch.ts";
import type { SubscriptionSnapshot, TopicSnapshot } from "../signals/stats.ts";
import type { Handler, SubscribeOptions } from "../contract/subscription.ts";

export interface RegistryParts {
  readonly routeCache: number;
  readonly leakWarning: number;
  readonly report: FailureReport;
  /** Throws on a topic that this bus doesn't take. */
  readonly checkName: (topic: string) => void;
  /** Whether a topic means success, and a failure of it has another. */
  readonly hasFailure: (topic: string) => boolean;
}

/** The subscriptions of a bus: made, found by topic, ended. */
export class SubscriptionRegistry implements EntryHome {
  readonly router: Router<Entry>;
  readonly #entries = new Set<Entry>();
  readonly #owners = new FinalizationRegistry<Entry>((entry) => entry.release());
  readonly #leaks: LeakWatch;
  readonly #report: FailureReport;
  readonly #checkName: (topic: string) => void;
  #sequence = 0;

  constructor(parts: RegistryParts) {
    this.router = new Router(parts.routeCache, (topic) => {
      parts.checkName(topic);
      return parts.hasFailure(topic);
    });
    this.#leaks = new LeakWatch(parts.leakWarning);
    this.#report = parts.report;
    this.#checkName = parts.checkName;
  }

  /** Makes an entry that nothing finds yet. Checks everything, so that {@link open} cannot fail. */
  create(selection: Selection, handler: Handler, options: SubscribeOptions): Entry {
    const selector = this.select(selection);
    if (typeof handler !== "function") {
      throw new EventBusError(
        "INVALID_OPTION",
        `The handler of "${selector.text}" is ${quoted(handler)}. Give a function.`,
      );
    }
    const filter = typeof selection === "string" || isList(selection) ? {} : selection;
    this.#sequence += 1;
    return new Entry({
      selector,
      handler,
      where: both(filter.where, options.where),
      source: filter.source,
      sequence: this.#sequence,
      priority: options.priority,
      once: options.once,
      tap: options.tap,
      owner: options.owner,
      name: options.name,
      home: this,
    });
  }

  /** Begins a subscription; with an aborted signal it begins ended. */
  open(entry: Entry, signal: AbortSignal | undefined): void {
    if (signal) entry.cleanup = onAbort(signal, () => entry.release());
    if (!entry.active) return;
    const owner = entry.owner?.deref();
    if (owner) this.#owners.register(owner, entry, entry);
    this.#entries.add(entry);
    this.router.add(entry);
    this.#leaks.added(entry);
    if (this.#report.hears("subscribed")) this.#report.signal("subscribed", entry.subscription);
  }

  select(selection: Selection): Selector {
    return readSelector(selection, this.#checkName);
  }

  /** Ends the subscriptions for which `ends` is true, and says how many. */
  end(ends: (entry: Entry) => boolean): number {
    const ending = [...this.#entries].filter(ends);
    for (const entry of ending) entry.release();
    return ending.length;
  }

  counts(): { topics: number; patterns: number; regexps: number; all: number } {
    const counts = { topic: 0, pattern: 0, regexp: 0 };
    for (const entry of this.#entries) counts[entry.selector.kind] += 1;
    return {
      topics: counts.topic,
      patterns: counts.pattern,
      regexps: counts.regexp,
      all: this.#entries.size,
    };
  }

  snapshot(): SubscriptionSnapshot[] {
    return Array.from(this.#entries, (entry) => ({
      topic: entry.selector.text,
      name: entry.name,
      priority: entry.priority,
      once: entry.once,
      owned: entry.owner !== undefined,
      catchingUp: entry.catchUp !== undefined,
    }));
  }

  /** How many subscriptions each topic and pattern has. */
  topics(): TopicSnapshot[] {
    return this.#leaks.snapshot();
  }

  changed(entry: Entry): void {
    this.router.outdate(entry);
  }

  ended(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    this.router.remove(entry);
    this.#leaks.removed(entry);
    if (entry.owner) this.#owners.unregister(entry);
    if (this.#report.hears("unsubscribed")) this.#report.signal("unsubscribed", entry.subscription);
  }
}

type Predicate = SubscribeOptions["where"];

/** A filter's `where` and that of the options: both must hold. */
function both(one: Predicate, other: Predicate): Predicate {
  return one && other ? (event) => one(event) && other(event) : (one ?? other);
}
