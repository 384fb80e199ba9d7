import type { PublishedEvent } from "../contract/event.ts";
import type { Routed, Selector } from "../router/router.ts";
import { subscriptionOf } from "./subscription-face.ts";
import type { Handler, Subscription } from "../contract/subscription.ts";

/** The functions of a subscription, which may refer to its owner and so are held through it. */
interface Callbacks {
  readonly handler: Handler<PublishedEvent>;
  readonly where: ((event: PublishedEvent) => boolean) | undefined;
}

/** Calls the handler for past events: what is published meanwhile waits behind them. */
interface CatchUp {
  enqueue(event: PublishedEvent): unknown;
}

/** Where an entry is filed. */
export interface EntryHome {
  /** The handler is to be called in another way than before. */
  changed(entry: Entry): void;
  /** The subscription has ended; told once. */
  ended(entry: Entry): void;
}

export interface EntryOptions extends Callbacks {
  readonly home: EntryHome;
  readonly selector: Selector;
  readonly sequence: number;
  readonly priority?: number | undefined;
  readonly once?: boolean | undefined;
  readonly source?: string | undefined;
  readonly tap?: boolean | undefined;
  readonly owner?: object | undefined;
  readonly name?: string | undefined;
}

/** What {@link Entry.take} gives instead of a result when the handler was not called. */
export const SKIPPED: unique symbol = Symbol("skipped");

/**
 * Counts the changes of any entry that make {@link Entry.direct} another one: who has read it before
 * must not call it any more.
 */
export let changes = 0;

/** Counts the entries of which a call has shown that they end when it returns: routes of theirs may say so from then on. */
export let learned = 0;

/** A subscription as the bus keeps it. */
export class Entry implements Routed {
  readonly selector: Selector;
  readonly sequence: number;
  readonly priority: number;
  readonly once: boolean;
  readonly tap: boolean;
  readonly name: string;
  readonly owner: WeakRef<object> | undefined;
  /** The handler, where nothing but calling it is to be done; {@link take} does everything else. */
  direct: Handler<PublishedEvent> | undefined;
  /** The same for a `publishSync`: where the handler is known to have ended when it returns, too. */
  immediate: Handler<PublishedEvent> | undefined;
  /** Undoes what was set up along with the entry: the listener on its signal. */
  cleanup: (() => void) | undefined;
  /** Tells the stream or wait that has made the entry for itself, and to which it belongs, that it has ended. */
  onEnd: (() => void) | undefined;
  #active = true;
  /** Whether a call has shown that it ends when it returns; a single one that doesn't says otherwise for good. */
  #manner: "unknown" | "immediate" | "asynchronous" = "unknown";
  #catchUp: CatchUp | undefined;
  #face: Subscription | undefined;
  readonly #source: string | undefined;
  /** Dropped at the end, because compiled routes may hold the entry for a while. */
  #callbacks: Callbacks | undefined;
  /** An ephemeron: the callbacks live exactly as long as the owner, even if they refer to it. */
  #owned: WeakMap<object, Callbacks> | undefined;
  readonly #home: EntryHome;

  constructor(options: EntryOptions) {
    const { handler, where, owner, priority = 0 } = options;
    this.selector = options.selector;
    this.sequence = options.sequence;
    this.priority = priority;
    this.once = options.once ?? false;
    this.tap = options.tap ?? false;
    this.name = (options.name ?? handler.name) || "anonymous";
    this.#source = options.source;
    this.#home = options.home;
    if (owner) {
      this.owner = new WeakRef(owner);
      this.#owned = new WeakMap([[owner, { handler, where }]]);
    } else {
      this.#callbacks = { handler, where };
    }
    this.direct = this.#directHandler();
  }

  /** Whether the handler, as far as known, has ended when it returns: then nothing of it needs its event later. */
  get endsAtOnce(): boolean {
    return this.#manner === "immediate";
  }

  /** A call had ended when it returned. */
  endedAtOnce(): void {
    if (this.#manner !== "unknown") return;
    this.#manner = "immediate";
    // Routes take note of it when they come by: nothing that they have is wrong.
    this.immediate = this.direct;
    learned += 1;
  }

  /** A call gave a promise. */
  gavePromise(): void {
    if (this.#manner === "asynchronous") return;
    this.#manner = "asynchronous";
    if (this.immediate === undefined) return;
    this.immediate = undefined;
    this.#changed();
  }

  /** What `subscribe` gives: made when somebody wants it. */
  get subscription(): Subscription {
    return (this.#face ??= subscriptionOf(this));
  }

  /** Set while the handler is called for past events. */
  get catchUp(): CatchUp | undefined {
    return this.#catchUp;
  }

  set catchUp(catchUp: CatchUp | undefined) {
    this.#catchUp = catchUp;
    this.direct = this.#directHandler();
    this.immediate = this.endsAtOnce ? this.direct : undefined;
    this.#changed();
  }

  get active(): boolean {
    return this.#active;
  }

  /** The handler, for comparison; `undefined` once the subscription or its owner is gone. */
  get handler(): Handler<PublishedEvent> | undefined {
    return this.#held(this.owner?.deref())?.handler;
  }

  /**
   * Calls the handler, unless the subscription has ended or the event is filtered out.
   * Throws what the handler or its `where` throws.
   */
  take(event: PublishedEvent): unknown {
    const owner = this.owner?.deref();
    const callbacks = this.#accept(event, owner);
    if (!callbacks) return SKIPPED;
    if (this.once) this.release();
    return owner ? callbacks.handler.call(owner, event) : callbacks.handler(event);
  }

  /** Whether {@link take} would call the handler. Throws what `where` throws. */
  accepts(event: PublishedEvent): boolean {
    return this.#accept(event, this.owner?.deref()) !== undefined;
  }

  /** Whether events published by this component are wanted. */
  takesFrom(source: string): boolean {
    return this.#source === undefined || this.#source === source;
  }

  #accept(event: PublishedEvent, owner: object | undefined): Callbacks | undefined {
    if (!this.takesFrom(event.source)) return undefined;
    const callbacks = this.#held(owner);
    if (!callbacks) {
      // It has ended, or its owner is gone and the finalizer hasn't come by yet.
      this.release();
      return undefined;
    }
    if (callbacks.where && !callbacks.where(event)) return undefined;
    // A predicate may have ended its own subscription.
    return this.#active ? callbacks : undefined;
  }

  release(): void {
    if (!this.#active) return;
    this.#active = false;
    this.direct = undefined;
    this.immediate = undefined;
    changes += 1;
    this.#callbacks = undefined;
    this.#owned = undefined;
    this.cleanup?.();
    this.cleanup = undefined;
    this.#home.ended(this);
    this.onEnd?.();
  }

  /** What has been compiled of it is out of date. */
  #changed(): void {
    changes += 1;
    if (this.#active) this.#home.changed(this);
  }

  #held(owner: object | undefined): Callbacks | undefined {
    if (!this.owner) return this.#callbacks;
    return owner && this.#owned?.get(owner);
  }

  #directHandler(): Handler<PublishedEvent> | undefined {
    const special = this.once || this.tap || this.#source !== undefined || this.#catchUp;
    if (special || !this.#callbacks || this.#callbacks.where) return undefined;
    return this.#callbacks.handler;
  }
}
