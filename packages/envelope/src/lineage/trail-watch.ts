import type { EventLineage } from "./lineage.ts";

/** A trail whose handlers answer each other without an end in sight. */
export interface RunawayTrail {
  readonly correlationId: string;
  /** How deep it was when it was found. */
  readonly depth: number;
  /** When it was found, in ms since the epoch. */
  readonly since: number;
}

/** How a {@link TrailWatch} judges. */
export interface TrailWatchOptions {
  /** A trail that gets more than this deeper within the window runs away. @default 1000 */
  readonly levels?: number | undefined;
  /** @default 60_000 */
  readonly windowMs?: number | undefined;
  /** Called once for each trail that runs away. */
  readonly onRunaway: (trail: RunawayTrail) => void;
  /** The clock, in ms since the epoch, for tests. @default Date.now */
  readonly now?: (() => number) | undefined;
}

interface Trail {
  /** How deep it was when, oldest first, at most one a second. */
  readonly marks: { readonly time: number; readonly depth: number }[];
  runaway: RunawayTrail | undefined;
}

/** Trails that are watched at once: those that were heard of last. */
const MOST_TRAILS = 1_000;
/** Marks of one trail in a window. */
const MARKS = 60;

/**
 * Finds handlers that answer each other forever: trails that get deeper faster than work does. Only the speed counts,
 * for a loop may be meant to have no last round. A trail that slows down is forgotten.
 *
 * @example
 * const watch = new TrailWatch({ onRunaway: ({ correlationId }) => console.warn(correlationId) });
 * bus.subscribe("**", (event) => watch.see(event));
 */
export class TrailWatch {
  readonly #levels: number;
  readonly #windowMs: number;
  readonly #onRunaway: (trail: RunawayTrail) => void;
  readonly #now: () => number;
  /** By correlation id; the one heard of last is at the end. */
  readonly #trails = new Map<string, Trail>();

  constructor({ levels = 1_000, windowMs = 60_000, onRunaway, now = Date.now }: TrailWatchOptions) {
    this.#levels = levels;
    this.#windowMs = windowMs;
    this.#onRunaway = onRunaway;
    this.#now = now;
  }

  /** Looks at an event that has come by. */
  see(event: EventLineage): void {
    const { depth = 0 } = event;
    // The first events of a trail are no loop yet, and most trails have no others.
    if (depth < 2) return;
    const { correlationId } = event;
    const now = this.#now();
    const trail = this.#trails.get(correlationId) ?? { marks: [], runaway: undefined };
    this.#trails.delete(correlationId);
    this.#trails.set(correlationId, trail);
    const { marks } = trail;
    const first = marks.findIndex(({ time }) => time > now - this.#windowMs);
    marks.splice(0, first === -1 ? marks.length : first);
    const last = marks.at(-1);
    if (last === undefined || now - last.time >= this.#windowMs / MARKS) {
      marks.push({ time: now, depth });
    }
    if (depth - (marks[0]?.depth ?? depth) > this.#levels) this.#found(trail, event, now);
    const [oldest] = this.#trails;
    if (this.#trails.size > MOST_TRAILS && oldest !== undefined) this.#trails.delete(oldest[0]);
  }

  /** Those that run away now: they were heard of within the window. */
  runaways(): RunawayTrail[] {
    const since = this.#now() - this.#windowMs;
    return Array.from(this.#trails.values()).flatMap(({ marks, runaway }) =>
      runaway !== undefined && (marks.at(-1)?.time ?? 0) > since ? [runaway] : [],
    );
  }

  #found(trail: Trail, { correlationId, depth = 0 }: EventLineage, now: number): void {
    if (trail.runaway !== undefined) return;
    trail.runaway = { correlationId, depth, since: now };
    this.#onRunaway(trail.runaway);
  }
}
