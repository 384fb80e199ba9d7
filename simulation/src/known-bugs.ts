/**
 * Defects of today. What has to do with one is neither generated nor judged, so that everything else can be: a switch for
 * each, off. Who fixes one deletes its entry, and what it says holds from then on.
 */
export interface KnownBug {
  readonly what: string;
  /** A seed that shows it: `pnpm simulate --with NAME --seed N --shrink`. */
  readonly seed: number;
  /** Kinds of complaints that it leads to. They are dropped, and so is what is said of the children of such an event. */
  readonly kinds?: readonly string[];
}

export const KNOWN_BUGS = {
  "own-children": {
    what: "a subscriber of an own event publishes again what it published before a crash, as another event",
    seed: 11,
    kinds: ["one-id: a subscriber's child by a call with two ids"],
  },
  "other-path": {
    what: "children of a work handler, and what subscribers publish within it, take each other's dedupe keys when they come in another order or are others",
    seed: 13,
    kinds: [
      "one-id: a worker's child by a call with two ids",
      "one-id: taken for another",
      "nothing-lost: known",
    ],
  },
  "children-by-bus": {
    what: "children that handlers publish on the bus and by stages come to a bus again at every attempt",
    seed: 29,
  },
} as const satisfies Record<string, KnownBug>;

/** A switch. */
export type Feature = keyof typeof KNOWN_BUGS;

export function isFeature(name: string): name is Feature {
  return Object.hasOwn(KNOWN_BUGS, name);
}
