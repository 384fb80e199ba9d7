/**
 * Defects of today. What has to do with one is neither generated nor judged, so that everything else can be: a switch for
 * each, off. Who fixes one deletes its entry, and what it says holds from then on.
 */
export interface KnownBug {
  readonly what: string;
  /** Kinds of complaints that it leads to. They are dropped, and so is what is said of the children of such an event. */
  readonly kinds?: readonly string[];
}

export const KNOWN_BUGS = {
  "clean-stop": {
    what: "own events come again after a clean stop",
    kinds: ["once-per-node: again after a clean stop"],
  },
  "own-children": {
    what: "a subscriber of an own event publishes again what it published before a crash",
    kinds: ["one-id: a subscriber's child by a call with two ids"],
  },
  "nested-children": {
    what: "subscribers within a work handler take the names of its children",
    kinds: ["one-id: taken for another", "nothing-lost: known"],
  },
  "left-count": {
    what: "a stop doesn't wait for the handlers of what was published on a bus, nor counts them",
    kinds: ["clean-end: left is too low"],
  },
  "lost-answer": { what: "answers of the queue are lost now and then" },
  "other-path": { what: "handlers take another path when they are tried again" },
  "children-by-bus": { what: "handlers publish children by the bus and by stages" },
  outages: { what: "all calls of a node to its queue are refused for a while" },
  bursts: { what: "as many events at once as a bus handles at once, and more" },
  "not-started": { what: "events are published on a bus while its coordinator starts" },
  "two-queues": { what: "nodes bridge two or three queues" },
  deploy: { what: "nodes are deployed with other topics and maxAttempts" },
} as const satisfies Record<string, KnownBug>;

/** A switch. */
export type Feature = keyof typeof KNOWN_BUGS;

export function isFeature(name: string): name is Feature {
  return Object.hasOwn(KNOWN_BUGS, name);
}
