import type { Delivery } from "./delivery.ts";
import type { Dispatcher } from "./dispatch.ts";
import { type Entry, SKIPPED } from "./entry.ts";
import type { PublishedEvent } from "./event.ts";
import type { HandlerError } from "./handler-error.ts";

/**
 * One awaited publish on its way through its handlers. It counts down instead of collecting promises:
 * handlers that return nothing cost no promise at all, and the others one each.
 */
export class RunningDelivery {
  readonly #dispatcher: Dispatcher;
  readonly #event: PublishedEvent;
  readonly #route: readonly Entry[];
  readonly #failuresThrown: boolean;
  readonly #errors: HandlerError[] = [];
  #delivered = 0;
  /** Place of the next handler on the route. */
  #next = 0;
  /** Handlers that are running, and one for the walk along the route itself. */
  #pending = 1;
  #resolve: ((delivery: Delivery) => void) | undefined;
  #succeed: (() => void) | undefined;

  constructor(
    dispatcher: Dispatcher,
    event: PublishedEvent,
    route: readonly Entry[],
    failuresThrown: boolean,
  ) {
    this.#dispatcher = dispatcher;
    this.#event = event;
    this.#route = route;
    this.#failuresThrown = failuresThrown;
  }

  /** Starts, in the event's context. Resolves when all handlers have settled. */
  run(): Promise<Delivery> {
    this.#event.begin();
    this.#dispatcher.inFlight.begin();
    this.#walk();
    if (this.#pending === 0) return Promise.resolve(this.#end());
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Calls handlers up to the end of the route, or up to one that the next has to wait for. */
  #walk(): void {
    const route = this.#route;
    const dispatcher = this.#dispatcher;
    while (this.#next < route.length) {
      const entry = route[this.#next]!;
      this.#next += 1;
      try {
        const result = dispatcher.start(entry, this.#event);
        if (result === SKIPPED) continue;
        if (result === undefined) {
          if (!entry.tap) this.#delivered += 1;
        } else if (dispatcher.serial && !entry.tap && !entry.catchUp) {
          this.#follow(entry, result, () => this.#walk());
          return;
        } else {
          this.#pending += 1;
          this.#followBeside(entry, result);
        }
      } catch (cause) {
        this.#fail(entry, cause);
      }
    }
    this.#settle();
  }

  /** Follows a handler that runs beside others: most of them share the function that counts a success. */
  #followBeside(entry: Entry, result: Promise<unknown>): void {
    if (entry.tap || entry.catchUp) {
      this.#follow(entry, result, () => this.#settle());
      return;
    }
    this.#succeed ??= () => {
      this.#delivered += 1;
      this.#settle();
    };
    result.then(this.#succeed, (cause: unknown) => {
      this.#fail(entry, cause);
      this.#settle();
    });
  }

  #follow(entry: Entry, result: Promise<unknown>, then: () => void): void {
    result.then(
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
    return { event: this.#event, delivered: this.#delivered, errors: this.#errors };
  }
}
