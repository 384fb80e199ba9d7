import type { Delivery } from "./delivery.ts";
import type { Dispatcher } from "./dispatch.ts";
import { isObject } from "./thenable.ts";
import { changes, type Entry, SKIPPED } from "./entry.ts";
import type { PublishedEvent } from "./event.ts";
import type { HandlerError } from "./handler-error.ts";
import type { Route } from "./router/router.ts";

const NO_ERRORS: readonly HandlerError[] = Object.freeze([]);

/**
 * One awaited publish on its way through its handlers. It counts down instead of collecting promises:
 * handlers that return nothing cost no promise at all, and the others one each.
 */
export class RunningDelivery {
  readonly #dispatcher: Dispatcher;
  readonly #event: PublishedEvent;
  readonly #route: Route<Entry>;
  readonly #isTraced: boolean;
  readonly #failuresThrown: boolean;
  #errors: HandlerError[] | undefined;
  #delivered = 0;
  /** Handlers that are running, and one for the walk along the route itself. */
  #pending = 1;
  #resolve: ((delivery: Delivery) => void) | undefined;
  #succeed: (() => void) | undefined;

  constructor(
    dispatcher: Dispatcher,
    event: PublishedEvent,
    route: Route<Entry>,
    isTraced: boolean,
    failuresThrown: boolean,
  ) {
    this.#dispatcher = dispatcher;
    this.#event = event;
    this.#route = route;
    this.#isTraced = isTraced;
    this.#failuresThrown = failuresThrown;
  }

  /** Starts, in the event's context. Resolves when all handlers have settled. */
  run(): Promise<Delivery> {
    this.#event.begin();
    this.#dispatcher.inFlight.begin();
    this.#walk(0);
    if (this.#pending === 0) return Promise.resolve(this.#end());
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Calls handlers up to the end of the route, or up to one that the next has to wait for. */
  #walk(from: number): void {
    const { entries, handlers } = this.#route;
    const before = changes;
    const event = this.#event;
    const dispatcher = this.#dispatcher;
    const isTraced = this.#isTraced;
    for (let index = from; index < entries.length; index += 1) {
      const entry = entries[index]!;
      try {
        // What was direct when the route was compiled may have ended since, while a handler was awaited.
        const direct = from > 0 || changes !== before ? entry.direct : handlers[index];
        const result =
          direct === undefined || isTraced
            ? dispatcher.call(entry, event, isTraced)
            : direct(event);
        const work = isObject(result) ? dispatcher.settled(entry, event, result) : undefined;
        if (work === undefined) {
          if (result !== SKIPPED && !entry.tap) this.#delivered += 1;
        } else if (dispatcher.serial && !entry.tap && !entry.catchUp) {
          this.#follow(entry, work, () => this.#walk(index + 1));
          return;
        } else {
          this.#pending += 1;
          this.#followBeside(entry, work);
        }
      } catch (cause) {
        this.#fail(entry, cause);
      }
    }
    this.#settle();
  }

  /** Follows a handler that runs beside others: most of them share the function that counts a success. */
  #followBeside(entry: Entry, work: Promise<unknown>): void {
    if (entry.tap || entry.catchUp) {
      this.#follow(entry, work, () => this.#settle());
      return;
    }
    this.#succeed ??= () => {
      this.#delivered += 1;
      this.#settle();
    };
    work.then(this.#succeed, (cause: unknown) => {
      this.#fail(entry, cause);
      this.#settle();
    });
  }

  #follow(entry: Entry, work: Promise<unknown>, then: () => void): void {
    work.then(
      (value) => {
        if (value !== SKIPPED && !entry.tap) this.#delivered += 1;
        then();
      },
      (cause: unknown) => {
        this.#fail(entry, cause);
        then();
      },
    );
  }

  #fail(entry: Entry, cause: unknown): void {
    this.#errors ??= [];
    this.#errors.push(this.#dispatcher.fail(entry, this.#event, cause, this.#failuresThrown));
  }

  #settle(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#resolve?.(this.#end());
  }

  #end(): Delivery {
    this.#event.finish();
    this.#dispatcher.inFlight.end();
    this.#dispatcher.delivered += this.#delivered;
    return { event: this.#event, delivered: this.#delivered, errors: this.#errors ?? NO_ERRORS };
  }
}
