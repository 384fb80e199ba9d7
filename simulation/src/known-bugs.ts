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
  "clean-stop": {
    what: "own events come again after a clean stop",
    seed: 9,
    kinds: ["once-per-node: again after a clean stop"],
  },
  "left-count": {
    what: "a stop doesn't wait for the handlers of what was published on a bus, nor counts them",
    seed: 113,
    kinds: ["clean-end: left is too low"],
  },
  "spool-order": {
    what: "what waits for the queue is stored in the order in which it was refused",
    seed: 2,
    kinds: ["spool-order: overtaken"],
  },
  "lost-answer": {
    what: "an event whose answer was lost never reaches the bus of its publisher",
    seed: 30,
  },
  "awaits-reply": {
    what: "handlers of 16 own events that wait for answers keep the answers out",
    seed: 13,
  },
  "not-started": {
    what: "what is published on a bus while its coordinator starts is not stored",
    seed: 5,
  },
  deploy: {
    what: "a group whose topics or maxAttempts change keeps nodes from starting",
    seed: 13,
  },
  "two-queues": {
    what: "a node that bridges queues loses keys and backlogs, and brings events twice",
    seed: 7,
  },
} as const satisfies Record<string, KnownBug>;

/** A switch. */
export type Feature = keyof typeof KNOWN_BUGS;

export function isFeature(name: string): name is Feature {
  return Object.hasOwn(KNOWN_BUGS, name);
}
