import { isPartial } from "./grammar.ts";
import { segmentMatcher } from "./segment.ts";
import { SweptMap } from "./swept-map.ts";

interface PartialEdge<T> {
  readonly matches: (segment: string) => boolean;
  readonly node: TrieNode<T>;
}

/** A place in the trie. What it has none of is not made: most nodes have one child or one value. */
class TrieNode<T> {
  literals: SweptMap<TrieNode<T>> | undefined;
  partials: Map<string, PartialEdge<T>> | undefined;
  values: Set<T> | undefined;
  readonly isGlobstar: boolean;
  star: TrieNode<T> | undefined;
  globstar: TrieNode<T> | undefined;
  /** The step of a walk that last put this node on its frontier: makes a frontier a set. */
  mark = 0;

  constructor(isGlobstar: boolean) {
    this.isGlobstar = isGlobstar;
  }

  get isEmpty(): boolean {
    return !(this.values || this.literals || this.partials || this.star || this.globstar);
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
    this.values ??= new Set();
    this.values.add(value);
  }

  removeValue(value: T): void {
    if (this.values?.delete(value) && this.values.size === 0) this.values = undefined;
  }
}

/**
 * Values filed under pattern paths, found by topic. A walk keeps the set of nodes reached so far and
 * moves all of them by one segment at a time, so that its cost is bounded by segments × nodes reached
 * whatever the number of `**`.
 */
export class Trie<T> {
  readonly #root = new TrieNode<T>(false);
  #step = 0;

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
    let frontier: TrieNode<T>[] = [];
    this.#step += 1;
    this.#reach(this.#root, frontier);
    for (const segment of topic.split(".")) {
      const next: TrieNode<T>[] = [];
      this.#step += 1;
      for (const node of frontier) {
        if (node.isGlobstar) this.#reach(node, next);
        const literal = node.literals?.get(segment);
        if (literal) this.#reach(literal, next);
        if (node.star) this.#reach(node.star, next);
        if (!node.partials) continue;
        for (const edge of node.partials.values()) {
          if (edge.matches(segment)) this.#reach(edge.node, next);
        }
      }
      if (next.length === 0) return;
      frontier = next;
    }
    for (const { values } of frontier) {
      if (values) for (const value of values) found.push(value);
    }
  }

  /** Puts a node on the frontier, and with it what `**` reaches from there by matching nothing. */
  #reach(start: TrieNode<T>, frontier: TrieNode<T>[]): void {
    let node: TrieNode<T> | undefined = start;
    while (node && node.mark !== this.#step) {
      node.mark = this.#step;
      frontier.push(node);
      node = node.globstar;
    }
  }
}
