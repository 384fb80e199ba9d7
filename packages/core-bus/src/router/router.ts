import type { Pattern } from "./grammar.ts";
import { SweptMap } from "./swept-map.ts";
import { Trie } from "./trie.ts";

/** What a subscription listens to: one topic, a pattern, or every topic that a RegExp finds. */
export type Selector =
  | { readonly kind: "topic"; readonly text: string }
  | { readonly kind: "pattern"; readonly text: string; readonly pattern: Pattern }
  | { readonly kind: "regexp"; readonly text: string; readonly regexp: RegExp };

/** What the router files: the order of delivery is in it. */
export interface Routed {
  readonly selector: Selector;
  readonly priority: number;
  /** Number of the subscription on its bus. */
  readonly sequence: number;
  /** The handler, where nothing but calling it is to be done. */
  readonly direct: unknown;
  /** The same, for handlers that are known to have ended when they return. */
  readonly immediate: Routed["direct"];
}

/** The subscriptions of a topic in order of delivery. Its lists never change. */
export interface Route<E extends Routed> {
  readonly length: number;
  /** The first of `handlers`: most topics have no other, and a publish to them touches no list. */
  readonly first: E["direct"];
  readonly entries: readonly E[];
  /**
   * What was `direct` in each of the entries when the route was compiled: a publish that finds its
   * functions side by side is spared a walk through the entries.
   */
  readonly handlers: readonly E["direct"][];
  /** Its payloads need a look: see the router's `admit`. */
  readonly isJudged: boolean;
  /** A synchronous publish has to do no more than call its handlers, all of which are `immediate`, and there are some. */
  readonly isPlain: boolean;
}

/** Figures of the route cache. */
export interface RouteStats {
  readonly hits: number;
  readonly misses: number;
  readonly size: number;
}

/** Subscriptions of a topic that are sorted one by one. */
const SMALL = 16;
/** Misses after which the hit rate is judged. */
const WINDOW = 256;
/** Misses for which the cache stores nothing after a bad window, before it tries again. */
const PAUSE = 4096;

/** Routes by topic. An object without a prototype, in which V8 finds a name sooner than in a `Map`. */
type Routes<E extends Routed> = Record<string, Route<E> | undefined>;

/**
 * Finds the subscriptions of a topic. Each topic's route is compiled once into a flat list in order
 * of delivery and kept in a bounded cache; a route that found nobody is kept too. A change of a
 * pattern forgets all routes, a change of a topic only its own; a full cache begins anew.
 */
export class Router<E extends Routed> {
  readonly #exact = new SweptMap<Set<E>>();
  readonly #trie = new Trie<E>();
  readonly #regexps = new Set<E>();
  #routes: Routes<E> = Object.create(null);
  /** Routes in the cache. */
  #size = 0;
  readonly #capacity: number;
  readonly #admit: (topic: string) => boolean;
  /** Routes found for events so far. */
  found = 0;
  #misses = 0;
  /** Misses until the hit rate is judged, or until a pause ends. */
  #missesLeft = WINDOW;
  #hitsBefore = 0;
  #paused = false;

  /**
   * `admit` throws on a topic that must not be published to, and says whether not all payloads are right for it. It is
   * asked when a topic is not cached.
   */
  constructor(capacity: number, admit: (topic: string) => boolean) {
    this.#capacity = capacity;
    this.#admit = admit;
  }

  add(entry: E): void {
    const { selector } = entry;
    this.outdate(entry);
    if (selector.kind === "topic") {
      const set = this.#exact.get(selector.text);
      if (set) set.add(entry);
      else this.#exact.set(selector.text, new Set([entry]));
    } else if (selector.kind === "regexp") this.#regexps.add(entry);
    else for (const path of selector.pattern.paths) this.#trie.add(path, entry);
  }

  remove(entry: E): void {
    const { selector } = entry;
    this.outdate(entry);
    if (selector.kind === "topic") {
      const set = this.#exact.get(selector.text);
      set?.delete(entry);
      if (set?.size === 0) this.#exact.delete(selector.text);
    } else if (selector.kind === "regexp") this.#regexps.delete(entry);
    else for (const path of selector.pattern.paths) this.#trie.remove(path, entry);
  }

  /** Throws what `admit` throws. */
  check(topic: string): void {
    if (this.#cached(topic) === undefined) this.#admit(topic);
  }

  /** The route of an event's topic, which is a string. Throws what `admit` throws. */
  find(topic: string): Route<E> {
    const route = this.#routes[topic] ?? this.#find(topic);
    this.found += 1;
    return route;
  }

  /** The subscriptions of a topic, outside of any publish. Throws what `admit` throws. */
  look(topic: string): readonly E[] {
    const route = this.#cached(topic);
    if (route !== undefined) return route.entries;
    this.#admit(topic);
    return this.#compile(topic);
  }

  /** An object would take anything for a name. */
  #cached(topic: unknown): Route<E> | undefined {
    return typeof topic === "string" ? this.#routes[topic] : undefined;
  }

  /** Reads a cached route's entries anew: what is known of a handler has become more. */
  renew(topic: string, route: Route<E>): void {
    if (this.#routes[topic] === route) this.#routes[topic] = routeOf(route.entries, route.isJudged);
  }

  stats(): RouteStats {
    return { hits: this.found - this.#misses, misses: this.#misses, size: this.#size };
  }

  #find(topic: string): Route<E> {
    const isJudged = this.#admit(topic);
    this.#misses += 1;
    this.#missesLeft -= 1;
    if (this.#missesLeft === 0) this.#judge();
    const entries = this.#compile(topic);
    const route = routeOf(entries, isJudged);
    if (!this.#paused && this.#capacity > 0) this.#store(topic, route);
    return route;
  }

  #compile(topic: string): readonly E[] {
    const found: E[] = [];
    const exact = this.#exact.size > 0 ? this.#exact.get(topic) : undefined;
    if (exact) for (const entry of exact) found.push(entry);
    this.#trie.collect(topic, found);
    for (const entry of this.#regexps) {
      if (entry.selector.kind === "regexp" && entry.selector.regexp.test(topic)) found.push(entry);
    }
    if (found.length < 2) return found;
    sort(found);
    // A subscription that several alternatives of its pattern reached stands in neighbouring places.
    for (let index = 1; index < found.length; index += 1) {
      if (found[index] === found[index - 1]) return found.filter(isNew);
    }
    return found;
  }

  /** Forgets the routes of an entry: they are compiled anew when they are used next. */
  outdate({ selector: { kind, text } }: E): void {
    if (kind !== "topic") {
      if (this.#size > 0) this.#clear();
    } else if (this.#routes[text] !== undefined) {
      delete this.#routes[text];
      this.#size -= 1;
    }
  }

  #store(topic: string, route: Route<E>): void {
    if (this.#size === this.#capacity) this.#clear();
    this.#routes[topic] = route;
    this.#size += 1;
  }

  #clear(): void {
    this.#routes = Object.create(null);
    this.#size = 0;
  }

  /** Where most topics are new, storing costs more than it saves: stop for a while, then try again. */
  #judge(): void {
    const hits = this.found - this.#misses;
    this.#paused = !this.#paused && hits - this.#hitsBefore < WINDOW;
    this.#missesLeft = this.#paused ? PAUSE : WINDOW;
    this.#hitsBefore = hits;
  }
}

function byDelivery(one: Routed, other: Routed): number {
  return other.priority - one.priority || one.sequence - other.sequence;
}

/** The engine's own sort makes copies, which cost more than all the rest of a small route. */
function sort(found: Routed[]): void {
  if (found.length > SMALL) {
    found.sort(byDelivery);
    return;
  }
  for (let end = 1; end < found.length; end += 1) {
    const entry = found[end]!;
    let place = end;
    for (; place > 0 && byDelivery(found[place - 1]!, entry) > 0; place -= 1) {
      found[place] = found[place - 1]!;
    }
    found[place] = entry;
  }
}

function isNew<E>(entry: E, index: number, list: readonly E[]): boolean {
  return entry !== list[index - 1];
}

function directOf<E extends Routed>(entry: E): E["direct"] {
  return entry.direct;
}

function routeOf<E extends Routed>(entries: readonly E[], isJudged: boolean): Route<E> {
  const { length } = entries;
  const handlers = entries.map(directOf);
  const isPlain = length > 0 && !isJudged && entries.every(isImmediate);
  return { length, first: handlers[0], entries, handlers, isJudged, isPlain };
}

function isImmediate(entry: Routed): boolean {
  return entry.immediate !== undefined;
}
