import { currentEvent, type EventLineage } from "@ringrift/envelope";
import { Deadline } from "../host/deadline.ts";
import type { CoordinatorStopResult } from "../options/options.ts";

/**
 * One stop, for all who wait for it: the shortest of their limits counts. Handlers may be among them, and no stop waits for
 * these, or they would wait for themselves or for each other.
 */
export class Stopping {
  readonly deadline: Deadline = new Deadline(undefined);
  /** What it comes to. Set by whoever runs it. */
  done: Promise<CoordinatorStopResult>;
  /** The same, as soon as it is known. */
  result: CoordinatorStopResult | undefined;
  readonly #causeOf: (id: string) => string | undefined;
  readonly #insiders = new Map<string, EventLineage>();
  readonly #excused = new Set<string>();
  #onInsider: ((insider: EventLineage) => void) | undefined;

  /** `causeOf`: the event in whose handling another one was published. */
  constructor(causeOf: (id: string) => string | undefined) {
    this.#causeOf = causeOf;
    this.done = Promise.resolve({ drained: true, left: 0 });
  }

  /** One more waits for it: whoever calls this. */
  join(timeoutMs: number | undefined): void {
    if (timeoutMs !== undefined) this.deadline.within(timeoutMs);
    const current = currentEvent();
    if (current === undefined || this.#insiders.has(current.id)) return;
    this.#insiders.set(current.id, current);
    // Its handler may be a part of the handling of another event, which it holds up.
    this.#excused.add(current.id);
    let cause = current.causationId;
    while (cause !== undefined && !this.#excused.has(cause)) {
      this.#excused.add(cause);
      cause = this.#causeOf(cause);
    }
    this.#onInsider?.(current);
  }

  /** Calls `listener` for the event of each handler that waits for it, those to come included. */
  whenInside(listener: (insider: EventLineage) => void): void {
    this.#onInsider = listener;
    for (const insider of this.#insiders.values()) listener(insider);
  }

  /** One of these handlers, if there is any. */
  get insider(): EventLineage | undefined {
    return this.#insiders.values().next().value;
  }

  /** Whether the handling of an event waits for this stop. */
  readonly excuses = (id: string): boolean => this.#excused.has(id);
}
