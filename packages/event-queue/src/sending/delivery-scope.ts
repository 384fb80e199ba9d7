import {
  type Child,
  type ChildContent,
  currentEvent,
  currentScope,
  type DeliveryScope,
  type EventLineage,
  runInScope,
  runWithEvent,
} from "@ringrift/envelope";
import { type ChildIds, digestOf } from "./child-ids.ts";

/** An event as it is delivered. */
interface Parent extends EventLineage {
  readonly redelivered?: boolean | undefined;
}

/** Whose handlers they are, and of which event. */
export interface HandlingOptions {
  /** Name of the group, or of the node: with another name the children are others. */
  readonly scope: string;
  /** The event, or several that are handled together: then a child's parent is the one of `runWithEvent`. */
  readonly parent: Parent | readonly Parent[];
  /** Without it, every event that is published is a new one. */
  readonly childIds: ChildIds | undefined;
  /** Whether the event is leased. @default false */
  readonly isLeased?: boolean | undefined;
}

/** The numbers of the equal children of one handling. */
interface Ordinals {
  last: number;
  /** Given back: to be used first. */
  readonly free: number[];
}

/**
 * One handling of an event that a queue may deliver again, by one handler or by several on a bus. Its children are
 * numbered together, since equal ones can't be told apart; but each handler's scope ends with that handler.
 */
export class EventHandling {
  readonly isLeased: boolean;
  readonly #scope: string;
  readonly #parents: readonly Parent[];
  readonly #isBatch: boolean;
  readonly #childIds: ChildIds | undefined;
  #ordinals: Map<string, Ordinals> | undefined;

  constructor({ scope, parent, childIds, isLeased = false }: HandlingOptions) {
    this.#scope = scope;
    this.#isBatch = Array.isArray(parent);
    this.#parents = Array.isArray(parent) ? parent : [parent];
    this.#childIds = childIds;
    this.isLeased = isLeased;
  }

  /**
   * Runs a handler. What it publishes until its promise has settled is this handling's child; what a forgotten timer
   * publishes later is nobody's. Gives what the handler gives, a thenable as a promise.
   */
  run<T>(handler: () => T): T {
    const scope = new HandlerScope(this);
    let isOver = true;
    try {
      const result = runInScope(scope, handler);
      if (!isThenable(result)) return result;
      isOver = false;
      const end = (): void => scope.end();
      const work = Promise.resolve(result);
      work.then(end, end);
      // The cast is safe: whoever gets a thenable awaits it.
      return work as T;
    } finally {
      if (isOver) scope.end();
    }
  }

  /** See `DeliveryScope.child`. */
  child(type: string, content: ChildContent): Child | undefined {
    const parent = this.#parent();
    if (this.#childIds === undefined || parent === undefined) return undefined;
    const digest = digestOf(content);
    if (digest === undefined) return undefined;
    const { ordinal, giveBack } = this.#number(`${parent.id} ${type} ${digest}`);
    const id = this.#childIds.derive({ scope: this.#scope, parent, type, digest, ordinal });
    return { id, redelivered: parent.redelivered === true, giveBack };
  }

  #parent(): Parent | undefined {
    if (!this.#isBatch) return this.#parents[0];
    const current = currentEvent();
    // Also for what a local event of a bus brings about.
    return (
      this.#parents.find(({ id }) => id === current?.id) ??
      this.#parents.find(({ id }) => id === current?.causationId)
    );
  }

  #number(child: string): { ordinal: number; giveBack: () => void } {
    this.#ordinals ??= new Map();
    const ordinals = this.#ordinals.get(child) ?? { last: 0, free: [] };
    this.#ordinals.set(child, ordinals);
    const ordinal = ordinals.free.shift() ?? (ordinals.last += 1);
    let isGivenBack = false;
    return {
      ordinal,
      giveBack: () => {
        if (isGivenBack) return;
        isGivenBack = true;
        ordinals.free.push(ordinal);
        ordinals.free.sort((one, other) => one - other);
      },
    };
  }
}

/** What one handler runs in. */
class HandlerScope implements DeliveryScope {
  readonly #handling: EventHandling;
  readonly #outer = currentScope();
  #isOpen = true;

  constructor(handling: EventHandling) {
    this.#handling = handling;
  }

  get isLeased(): boolean {
    return (this.#isOpen && this.#handling.isLeased) || this.#outer?.isLeased === true;
  }

  child(type: string, content: ChildContent): Child | undefined {
    return this.#isOpen ? this.#handling.child(type, content) : undefined;
  }

  end(): void {
    this.#isOpen = false;
  }
}

/**
 * Runs the handler of a leased event, or of several. For a single one, what it publishes inherits its lineage. Rejects
 * when the handler throws or rejects.
 */
export function runDelivery<T>(options: HandlingOptions, handler: () => T): Promise<Awaited<T>> {
  const { parent } = options;
  const handling = new EventHandling({ isLeased: true, ...options });
  const isBatch = Array.isArray(parent);
  try {
    // The cast is safe: it is no array.
    const run = isBatch ? handler : () => runWithEvent(parent as Parent, handler);
    // Not an asynchronous function: that would be one more promise for each event.
    return Promise.resolve(handling.run(run));
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Whether this runs in the handler of a leased event that isn't over: it is not held back, since it makes room. */
export function isHandling(): boolean {
  return currentScope()?.isLeased === true;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
