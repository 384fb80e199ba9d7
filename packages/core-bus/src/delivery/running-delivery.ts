import type { Delivery } from "../signals/delivery-result.ts";
import type { DeliveryWay, HandlerCalls } from "./handler-calls.ts";
import { isObject } from "../host/thenable.ts";
import { type Entry, SKIPPED } from "../subscriptions/subscription-entry.ts";
import type { PublishedEvent } from "../contract/event.ts";
import type { HandlerError } from "../signals/handler-error.ts";
import type { Route } from "../router/router.ts";

/**
 * One awaited publish on its way through its handlers, from the first on that has not ended when it
 * returned. It counts down instead of collecting promises: handlers that return nothing cost no promise
 * at all, and the others one each.
 */
export class RunningDelivery {
  readonly #calls: HandlerCalls;
  readonly #event: PublishedEvent;
  readonly #route: Route<Entry>;
  readonly #way: DeliveryWay;
  #errors: HandlerError[] | undefined;
  #delivered: number;
  /** Handlers that are running, and one for the walk along the route itself. */
  #pending = 1;
  #resolve: ((delivery: Delivery) => void) | undefined;
  #succeed: (() => void) | undefined;

  /** `delivered`: handlers that have succeeded already. */
  // oxlint-disable-next-line eslint/max-params -- hot path: each awaited publish would make one more object
  constructor(
    calls: HandlerCalls,
    event: PublishedEvent,
    route: Route<Entry>,
    way: DeliveryWay,
    delivered: number,
  ) {
    this.#calls = calls;
    this.#event = event;
    this.#route = route;
    this.#way = way;
    this.#delivered = delivered;
  }

  /** Resolves when all handlers have settled. */
  end(): Promise<Delivery> {
    if (this.#pending === 0) return Promise.resolve(this.#end());
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Calls handlers up to the end of the route, or up to one that the next has to wait for. */
  walk(from: number): void {
    const { entries } = this.#route;
    for (let index = from; index < entries.length; index += 1) {
      const entry = entries[index]!;
      let result: unknown;
      try {
        result = this.#calls.call(entry, this.#event, this.#way.isTraced);
      } catch (cause) {
        this.fail(index, cause);
        continue;
      }
      if (this.take(index, result)) return;
    }
    this.#settle();
  }

  /** Takes what a handler gave. True when it must be waited for: then the walk goes on behind it. */
  take(index: number, result: unknown): boolean {
    const entry = this.#route.entries[index]!;
    let work: Promise<unknown> | undefined;
    try {
      work = isObject(result) ? this.#calls.settled(entry, this.#event, result) : undefined;
    } catch (cause) {
      this.fail(index, cause);
      return false;
    }
    const isPlain = entry.direct !== undefined;
    if (work === undefined) {
      if (isPlain || (result !== SKIPPED && !entry.tap)) this.#delivered += 1;
      return false;
    }
    if (this.#way.order === "serial" && (isPlain || !(entry.tap || entry.catchUp))) {
      this.#follow(index, work, () => this.walk(index + 1));
      return true;
    }
    this.#pending += 1;
    if (!isPlain) {
      this.#follow(index, work, () => this.#settle());
      return false;
    }
    // Most handlers share the function that counts a success.
    this.#succeed ??= () => {
      this.#delivered += 1;
      this.#settle();
    };
    work.then(this.#succeed, (cause: unknown) => {
      this.fail(index, cause);
      this.#settle();
    });
    return false;
  }

  fail(index: number, cause: unknown): void {
    const entry = this.#route.entries[index]!;
    this.#errors ??= [];
    this.#errors.push(this.#calls.fail(entry, this.#event, cause, this.#way.failuresThrown));
  }

  #follow(index: number, work: Promise<unknown>, then: () => void): void {
    work.then(
      (value) => {
        if (value !== SKIPPED && !this.#route.entries[index]!.tap) this.#delivered += 1;
        then();
      },
      (cause: unknown) => {
        this.fail(index, cause);
        then();
      },
    );
  }

  #settle(): void {
    this.#pending -= 1;
    if (this.#pending === 0) this.#resolve?.(this.#end());
  }

  #end(): Delivery {
    return this.#calls.end(this.#event, this.#delivered, this.#errors);
  }
}
