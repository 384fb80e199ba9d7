/** Stands for every type, in place of a type's name. */
const EVERY = "*";

/** How long nobody has to want a type, while others are there, until the group is done with it. */
export const TYPE_ENDS_AFTER_MS = 60_000;

/** Events that a group sets aside for members that have a handler for them; from there on it waits. */
export const MOST_SET_ASIDE = 10_000;

/** A member is there for at least so long after it has last been seen, however short its leases are. */
const SHORTEST_PRESENCE_MS = 30_000;

/** For backends: how long a member counts as there after it has last been seen. */
export function presenceMs(leaseMs: number): number {
  return Math.max(leaseMs, SHORTEST_PRESENCE_MS);
}

/**
 * For backends: whether a member that counts as there until then, and is seen now, has to be noted again. A third of the
 * time is soon enough. Further ahead than it can have been noted it is when somebody has set the clock back.
 */
export function isToBeSeen(until: number, now: number, leaseMs: number): boolean {
  const ms = presenceMs(leaseMs);
  return until - (ms * 2) / 3 <= now || until > now + ms;
}

/** What a group wants of one type. */
interface Want {
  /** Events of it begin above this position. */
  readonly after: number;
  /** Since when members are there of which none wants it. */
  readonly unwantedSince?: number;
}

/** A part of the log in which a group wants the same types throughout. */
export interface WantedSegment {
  /** `null` for every type. */
  readonly eventTypes: readonly string[] | null;
  /** Above this position. */
  readonly after: number;
  /** Up to this one; `undefined` to the end. */
  readonly upTo: number | undefined;
}

/**
 * For backends: the types that a group wants, and from where on each: the union of what its members want. A value, as
 * every method that changes something gives a new one, and the same one when nothing changes.
 *
 * @example WantedTypes.of(["ORDER_PLACED"]).with(["ORDER_PAID"], 12).wants("ORDER_PAID", 12) // false: it begins at 13
 */
export class WantedTypes {
  /** Sorted; `null` for every type. */
  readonly eventTypes: readonly string[] | null;
  readonly #wants: ReadonlyMap<string, Want>;
  readonly #latest: number;
  readonly #whole: Pick<WantedSegment, "eventTypes" | "upTo">;

  private constructor(wants: ReadonlyMap<string, Want>) {
    this.#wants = wants;
    const names = [...wants.keys()].toSorted();
    this.eventTypes = wants.has(EVERY) ? null : Object.freeze(names);
    this.#latest = Math.max(0, ...[...wants.values()].map(({ after }) => after));
    this.#whole = { eventTypes: this.eventTypes, upTo: undefined };
  }

  /** What a new group wants: its cursor says from where. */
  static of(eventTypes: readonly string[] | null): WantedTypes {
    const names = eventTypes ?? [EVERY];
    return new WantedTypes(new Map(names.map((name) => [name, { after: 0 }])));
  }

  /** Reads what {@link WantedTypes.encode} has written. */
  static decode(text: string): WantedTypes {
    // The cast is safe: written by encode.
    const wants = JSON.parse(text) as Record<string, Want>;
    return new WantedTypes(new Map(Object.entries(wants)));
  }

  encode(): string {
    return JSON.stringify(Object.fromEntries(this.#wants));
  }

  /** Whether the group wants events of a type at all, wherever they lie. */
  has(type: string): boolean {
    return this.#wants.has(type) || this.#wants.has(EVERY);
  }

  /** Whether the group wants an event of this type at this position. */
  wants(type: string, position: number): boolean {
    const after = Math.min(
      this.#wants.get(type)?.after ?? Number.POSITIVE_INFINITY,
      this.#wants.get(EVERY)?.after ?? Number.POSITIVE_INFINITY,
    );
    return position > after;
  }

  /** Whether whoever accepts these types (`undefined`: any) accepts all that the group wants. */
  isAccepted(accepts: readonly string[] | undefined): boolean {
    if (accepts === undefined) return true;
    return this.eventTypes?.every((type) => accepts.includes(type)) ?? false;
  }

  /** Whether everything it wants begins at a cursor or before. */
  hasBegun(cursor: number): boolean {
    return this.#latest <= cursor;
  }

  /** The log above a cursor, in order. As a rule it is one segment: types that begin later are of the last moments. */
  segments(cursor: number): readonly WantedSegment[] {
    if (this.hasBegun(cursor)) return [{ ...this.#whole, after: cursor }];
    const starts = new Set([...this.#wants.values()].map(({ after }) => Math.max(after, cursor)));
    const bounds = [...starts.add(cursor)].toSorted((one, other) => one - other);
    return bounds.flatMap((after, index): WantedSegment[] => {
      const begun = [...this.#wants].flatMap(([name, want]) => (want.after <= after ? name : []));
      if (begun.length === 0) return [];
      const eventTypes = begun.includes(EVERY) ? null : begun.toSorted();
      return [{ eventTypes, after, upTo: bounds[index + 1] }];
    });
  }

  /** The union with other types; those that are new begin above `newest`. */
  with(eventTypes: readonly string[] | null, newest: number): WantedTypes {
    const added = (eventTypes ?? [EVERY]).filter((name) => !this.#wants.has(name));
    if (added.length === 0) return this;
    // It was wanted before, with every other type.
    const after = Math.min(newest, this.#wants.get(EVERY)?.after ?? newest);
    return this.#changed((wants) => {
      for (const name of added) wants.set(name, { after });
    });
  }

  /** Every type from wherever the cursor is: it was moved by hand. */
  fromCursor(): WantedTypes {
    if (this.#latest === 0) return this;
    return this.#changed((wants) => {
      for (const [name, want] of wants) wants.set(name, { ...want, after: 0 });
    });
  }

  /**
   * Notes which types none of the members wants that are there: `live` has what each of them accepts, `undefined` for
   * one that leaves it to the group. `isFirst` when there was nobody before these: then nothing is unwanted yet.
   */
  marked(
    live: readonly (readonly string[] | undefined)[],
    { now, isFirst }: { readonly now: number; readonly isFirst: boolean },
  ): WantedTypes {
    if (live.length === 0) return this;
    const isWanted = (name: string): boolean =>
      live.some((accepts) => accepts === undefined || accepts.includes(name));
    const marks = [...this.#wants].flatMap(([name, want]): [string, Want][] => {
      const before = isFirst ? undefined : want.unwantedSince;
      // Not in the future, should somebody have set the clock back.
      const since = isWanted(name) ? undefined : Math.min(before ?? now, now);
      if (since === want.unwantedSince) return [];
      const { after } = want;
      return [[name, since === undefined ? { after } : { after, unwantedSince: since }]];
    });
    if (marks.length === 0) return this;
    return this.#changed((wants) => {
      for (const [name, want] of marks) wants.set(name, want);
    });
  }

  /** The types that nobody has wanted for so long that the group is done with them. */
  over(now: number): readonly string[] {
    return [...this.#wants].flatMap(([name, { unwantedSince }]) =>
      unwantedSince !== undefined && unwantedSince + TYPE_ENDS_AFTER_MS <= now ? name : [],
    );
  }

  /** Without what is {@link WantedTypes.over}, unless that is all it wants. */
  withoutOver(now: number): WantedTypes {
    const gone = this.over(now);
    if (gone.length === 0 || gone.length === this.#wants.size) return this;
    return this.#changed((wants) => {
      for (const name of gone) wants.delete(name);
    });
  }

  #changed(change: (wants: Map<string, Want>) => void): WantedTypes {
    const wants = new Map(this.#wants);
    change(wants);
    return new WantedTypes(wants);
  }
}
