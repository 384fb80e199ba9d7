import { isPartial } from "./grammar.ts";
import { segmentMatcher } from "./segment.ts";
import { SweptMap } from "./swept-map.ts";

interface PartialEdge<T extends object | true> {
  readonly matches: (segment: string) => boolean;
  readonly node: TrieNode<T>;
}

/** A place in the trie. What it has none of is not made: most nodes have one child or one value. */
class TrieNode<T extends object | true> {
  literals: SweptMap<TrieNode<T>> | undefined;
  partials: Map<string, PartialEdge<T>> | undefined;
  /** Its value, which most nodes have one of or none; `others` only in addition to it. */
  value: T | undefined;
  others: Set<T> | undefined;
  readonly isGlobstar: boolean;
  star: TrieNode<T> | undefined;
  globstar: TrieNode<T> | undefined;
  /** The step of a walk that last put this node on its frontier: makes a frontier a set. */
  mark = 0;

  constructor(isGlobstar: boolean) {
    this.isGlobstar = isGlobstar;
  }

  get isEmpty(): boolean {
    return !(this.value || this.literals || this.partials || this.star || this.globstar);
  }

  child(segment: string): TrieNode<T> | undefined {
    if (segment === "*") return this.star;
    if (segment === "**") return this.globstar;
    // A text that is the literal child of a node is no partial wildcard: no need to look closer.
    return this.literals?.get(segment) ?? this.partials?.get(segment)?.node;
  }

  addChild(segment: string): TrieNode<T> {
    const node = new TrieNode<T>(segment === "**");
    if (segment === "*") this.star = node;
    else if (segment === "**") this.globstar = node;
    else if (isPartial(segment)) {
      this.partials ??= new Map();
      this.partials.set(segment, { matches: segmentMatcher(segment), node });
    } else {
      this.literals ??= new SweptMap();
      this.literals.set(segment, node);
    }
    return node;
  }

  removeChild(segment: string): void {
    if (segment === "*") this.star = undefined;
    else if (segment === "**") this.globstar = undefined;
    else {
      this.literals?.delete(segment);
      if (this.literals?.size === 0) this.literals = undefined;
      if (this.partials?.delete(segment) && this.partials.size === 0) this.partials = undefined;
    }
  }

  addValue(value: T): void {
    if (this.value === undefined) this.value = value;
    else (this.others ??= new Set()).add(value);
  }

  removeValue(value: T): void {
    if (this.value !== value) {
      this.others?.delete(value);
      return;
    }
    const next = this.others?.values().next();
    this.value = next?.value;
    if (this.value) this.others?.delete(this.value);
  }
}

/**
 * Values filed under pattern paths, found by topic. A walk keeps the set of nodes reached so far and
 * moves all of them by one segment at a time, so that its cost is bounded by segments × nodes reached
 * whatever the number of `**`.
 */
export class Trie<T extends object | true> {
  readonly #root = new TrieNode<T>(false);
  #step = 0;
  /** The nodes reached by the segments so far, and those that the next one reaches: kept, as walks are frequent. */
  #frontier: (TrieNode<T> | undefined)[] = [];
  #next: (TrieNode<T> | undefined)[] = [];
  #reached = 0;

  add(path: readonly string[], value: T): void {
    let node = this.#root;
    for (const segment of path) node = node.child(segment) ?? node.addChild(segment);
    node.addValue(value);
  }

  /** Removes a value and the nodes that nothing needs any more, in O(length of the path). */
  remove(path: readonly string[], value: T): void {
    const nodes = [this.#root];
    for (const segment of path) {
      const next = nodes.at(-1)!.child(segment);
      if (!next) return;
      nodes.push(next);
    }
    nodes.at(-1)!.removeValue(value);
    for (let depth = path.length; depth > 0 && nodes[depth]!.isEmpty; depth -= 1) {
      nodes[depth - 1]!.removeChild(path[depth - 1]!);
    }
  }

  /** Adds the values of all matching paths to `found`; a value filed twice may be added twice. */
  collect(topic: string, found: T[]): void {
    this.#begin();
    this.#reach(this.#root);
    for (let start = 0; start <= topic.length;) {
      const dot = topic.indexOf(".", start);
      const end = dot === -1 ? topic.length : dot;
      const segment = topic.slice(start, end);
      const count = this.#begin();
      for (let index = 0; index < count; index += 1) this.#advance(this.#take(index), segment);
      start = end + 1;
    }
    const count = this.#begin();
    for (let index = 0; index < count; index += 1) {
      const { value, others } = this.#take(index);
      if (value === undefined) continue;
      found.push(value);
      if (others) for (const other of others) found.push(other);
    }
  }

  /** What was reached becomes the frontier; returns how many nodes it has. */
  #begin(): number {
    const count = this.#reached;
    const taken = this.#frontier;
    this.#frontier = this.#next;
    this.#next = taken;
    this.#reached = 0;
    this.#step += 1;
    return count;
  }

  /** Takes a node off the frontier, which must keep none that is removed later. */
  #take(index: number): TrieNode<T> {
    const node = this.#frontier[index]!;
    this.#frontier[index] = undefined;
    return node;
  }

  /** Reaches the nodes that a segment leads to. */
  #advance(node: TrieNode<T>, segment: string): void {
    if (node.isGlobstar) this.#reach(node);
    const literal = node.literals?.get(segment);
    if (literal) this.#reach(literal);
    if (node.star) this.#reach(node.star);
    if (!node.partials) return;
    for (const edge of node.partials.values()) {
      if (edge.matches(segment)) this.#reach(edge.node);
    }
  }

  /** Puts a node among those reached, and with it what `**` reaches from there by matching nothing. */
  #reach(start: TrieNode<T>): void {
    let node: TrieNode<T> | undefined = start;
    while (node && node.mark !== this.#step) {
      node.mark = this.#step;
      this.#next[this.#reached] = node;
      this.#reached += 1;
      node = node.globstar;
    }
  }
}
