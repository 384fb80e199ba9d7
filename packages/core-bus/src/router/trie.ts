import picomatch from "picomatch/posix.js";
import { isPartial } from "./grammar.ts";

/** picomatch sees one segment that has passed the grammar, never a dot, a brace or a group. */
const SEGMENT_OPTIONS = { dot: true, noextglob: true, nobrace: true, nonegate: true } as const;

interface PartialEdge<T> {
  readonly matches: (segment: string) => boolean;
  readonly node: TrieNode<T>;
}

class TrieNode<T> {
  readonly literals = new Map<string, TrieNode<T>>();
  readonly partials = new Map<string, PartialEdge<T>>();
  readonly values = new Set<T>();
  readonly isGlobstar: boolean;
  star: TrieNode<T> | undefined;
  globstar: TrieNode<T> | undefined;
  /** The step of a walk that last put this node on its frontier: makes a frontier a set. */
  mark = 0;

  constructor(isGlobstar = false) {
    this.isGlobstar = isGlobstar;
  }

  get isEmpty(): boolean {
    return (
      this.values.size === 0 &&
      this.literals.size === 0 &&
      this.partials.size === 0 &&
      !this.star &&
      !this.globstar
    );
  }

  child(segment: string): TrieNode<T> | undefined {
    if (segment === "*") return this.star;
    if (segment === "**") return this.globstar;
    return isPartial(segment) ? this.partials.get(segment)?.node : this.literals.get(segment);
  }

  ensureChild(segment: string): TrieNode<T> {
    const found = this.child(segment);
    if (found) return found;
    const node = new TrieNode<T>(segment === "**");
    if (segment === "*") this.star = node;
    else if (segment === "**") this.globstar = node;
    else if (isPartial(segment)) {
      this.partials.set(segment, { matches: picomatch(segment, SEGMENT_OPTIONS), node });
    } else this.literals.set(segment, node);
    return node;
  }

  removeChild(segment: string): void {
    if (segment === "*") this.star = undefined;
    else if (segment === "**") this.globstar = undefined;
    else if (isPartial(segment)) this.partials.delete(segment);
    else this.literals.delete(segment);
  }
}

/**
 * Values filed under pattern paths, found by topic. A walk keeps the set of nodes reached so far and
 * moves all of them by one segment at a time, so that its cost is bounded by segments × nodes reached
 * whatever the number of `**`.
 */
export class Trie<T> {
  readonly #root = new TrieNode<T>();
  #step = 0;

  add(path: readonly string[], value: T): void {
    let node = this.#root;
    for (const segment of path) node = node.ensureChild(segment);
    node.values.add(value);
  }

  /** Removes a value and the nodes that nothing needs any more, in O(length of the path). */
  remove(path: readonly string[], value: T): void {
    const nodes = [this.#root];
    for (const segment of path) {
      const next = nodes.at(-1)!.child(segment);
      if (!next) return;
      nodes.push(next);
    }
    nodes.at(-1)!.values.delete(value);
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
        const literal = node.literals.get(segment);
        if (literal) this.#reach(literal, next);
        if (node.star) this.#reach(node.star, next);
        for (const edge of node.partials.values()) {
          if (edge.matches(segment)) this.#reach(edge.node, next);
        }
      }
      if (next.length === 0) return;
      frontier = next;
    }
    for (const node of frontier) {
      for (const value of node.values) found.push(value);
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
