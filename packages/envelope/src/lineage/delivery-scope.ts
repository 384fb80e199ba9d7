import { type ContextSlot, createContextSlot } from "#platform";

/**
 * Children: while a handler handles an event that a queue may deliver again, the ids of the events that it publishes
 * are derived from that event, so that a repeated attempt publishes the same events again, and not others like them.
 * This is where all buses and queues of a process find out whether there is such a handler, and which one. Who makes
 * the scope knows how ids are derived.
 */
export interface DeliveryScope {
  /**
   * The child of this type and content: `undefined` when its id isn't to be derived. Equal children of one handler
   * are told apart by their number, so call it once for each event that is published.
   *
   * @param type the queue's name of the event where it has one, whichever call publishes it
   */
  child(type: string, content: ChildContent): Child | undefined;
  /** Whether a handler of a leased event runs here: what it publishes frees the queue rather than filling it. */
  readonly isLeased: boolean;
}

/** What the publisher of an event gave. Not when it is to be delivered: a delay is often counted from now. */
export interface ChildContent {
  readonly payload: unknown;
  readonly metadata?: object | undefined;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly source?: string | undefined;
  readonly correlationId?: string | undefined;
}

/** A child on its way. */
export interface Child {
  readonly id: string;
  /** Its parent was delivered before: so it may have been published before, and its effect may have happened already. */
  readonly redelivered: boolean;
  /** It was not published after all: the next equal child is this one. */
  giveBack(): void;
}

// One slot for all copies of this package in a process, or children would stop at their border.
const KEY = Symbol.for("@ringrift/envelope/delivery-scope/1");
const registry = globalThis as { [KEY]?: ContextSlot };
const slot: ContextSlot = (registry[KEY] ??= createContextSlot());

/** The innermost scope, if its handler still runs. */
export function currentScope(): DeliveryScope | undefined {
  return slot.getStore() as DeliveryScope | undefined;
}

/** Runs `fn`, and all that it begins, in a scope; with `undefined` in none. Returns what `fn` returns. */
export function runInScope<T>(scope: DeliveryScope | undefined, fn: () => T): T {
  return slot.run(scope, fn);
}
