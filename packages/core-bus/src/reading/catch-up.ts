import { runWithEvent } from "@ringrift/envelope";
import { type Entry, SKIPPED } from "../subscriptions/subscription-entry.ts";
import type { PublishedEvent } from "../contract/event.ts";
import type { Handling } from "../contract/handling.ts";
import { asPromise } from "../host/thenable.ts";

interface Waiting {
  readonly event: PublishedEvent;
  readonly handling: Handling | undefined;
  /** The unfinished events whose handlers may be waiting for its publish. */
  readonly outer: ReadonlySet<PublishedEvent>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (cause: unknown) => void;
}

/** For an event being handled, the catch-ups that have put something behind that it published. */
const waitedFor = new WeakMap<PublishedEvent, Set<CatchUp>>();

/** Takes what came of events that have no publisher to tell: those of the past. */
export interface Outcomes {
  succeed(): void;
  fail(entry: Entry, event: PublishedEvent, cause: unknown): void;
  /** A handler's promise, within the time limit of handlers. */
  limited(entry: Entry, event: PublishedEvent, work: Promise<unknown>): Promise<unknown>;
}

/**
 * A subscription that is working through past events. What is published meanwhile waits behind them,
 * in order, so that there is neither a gap nor a duplicate nor a jump between past and present.
 */
export class CatchUp {
  readonly #entry: Entry;
  readonly #outcomes: Outcomes;
  readonly #waiting: Waiting[] = [];
  #current: PublishedEvent | undefined;

  constructor(entry: Entry, outcomes: Outcomes) {
    this.#entry = entry;
    this.#outcomes = outcomes;
  }

  /**
   * Starts with the past events at once; resolves when the subscription is live, to how many of them the
   * handler has taken without failing.
   */
  async run(past: readonly PublishedEvent[]): Promise<number> {
    let succeeded = 0;
    this.#entry.catchUp = this;
    for (const event of past) {
      if (!this.#entry.active) break;
      try {
        const result = this.#call(event);
        // Synchronous handlers have caught up before subscribe returns.
        if (result instanceof Promise) await result;
        if (result === SKIPPED) continue;
        succeeded += 1;
        this.#outcomes.succeed();
      } catch (cause) {
        this.#outcomes.fail(this.#entry, event, cause);
      } finally {
        this.#finish();
      }
    }
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      try {
        const result = this.#call(next.event, next.handling);
        next.resolve(result instanceof Promise ? await result : result);
      } catch (cause) {
        next.reject(cause);
      } finally {
        this.#finish();
      }
    }
    this.#entry.catchUp = undefined;
    return succeeded;
  }

  /**
   * Puts a published event behind the others. The promise gives what the handler gives, or `SKIPPED`.
   * An event published by the very handler call that it would have to wait for, be it by way of others
   * that catch up, is not waited for: its failure is reported like that of a past event.
   */
  enqueue(event: PublishedEvent): Promise<unknown> {
    const outer = new Set(event.unfinished());
    const circular = outer.size > 0 && this.#waitsFor(outer);
    const handled = new Promise((resolve, reject) => {
      const { handling } = event;
      const behind = circular ? new Set<PublishedEvent>() : outer;
      this.#waiting.push({ event, handling, outer: behind, resolve, reject });
    });
    if (!circular) {
      for (const waiting of outer) {
        const others = waitedFor.get(waiting);
        if (others) others.add(this);
        else waitedFor.set(waiting, new Set([this]));
      }
      return handled;
    }
    handled.then(
      (result) => {
        if (result !== SKIPPED) this.#outcomes.succeed();
      },
      (cause: unknown) => this.#outcomes.fail(this.#entry, event, cause),
    );
    return Promise.resolve(SKIPPED);
  }

  /** Whether the running handler waits, itself or through others that catch up, for one of these. */
  #waitsFor(events: ReadonlySet<PublishedEvent>): boolean {
    const reached = new Set<CatchUp>([this]);
    // A set that grows while it is walked is walked to its end.
    for (const catchUp of reached) {
      const current = catchUp.#current;
      if (!current) continue;
      if (events.has(current)) return true;
      for (const other of waitedFor.get(current) ?? []) {
        if (other.#waiting.some(({ outer }) => outer.has(current))) reached.add(other);
      }
    }
    return false;
  }

  #call(event: PublishedEvent, handling?: Handling): Promise<unknown> | typeof SKIPPED | undefined {
    this.#current = event;
    event.begin();
    const take = (): unknown => this.#entry.take(event);
    const result = runWithEvent(event, () => (handling ? handling.run(take) : take()));
    if (result === SKIPPED) return SKIPPED;
    const work = asPromise(result);
    return work && this.#outcomes.limited(this.#entry, event, work);
  }

  #finish(): void {
    this.#current?.finish();
    this.#current = undefined;
  }
}
