import type { StoredEvent } from "@ringrift/event-queue";

/** What a clean stop leaves about its bus: up to a position, the events that passed it were handled there. */
export interface BusMark {
  /** Its id, as `via` has it. */
  readonly bus: string;
  /** Position of the last event that the bus sent; 0 for none. */
  readonly upTo: number;
  /** Events that it sent and that were not handled there, by id. */
  readonly except: readonly string[];
  /** Events that others sent and that were handled there before they came from the queue, by id. */
  readonly also: readonly string[];
}

/** Stops that are remembered: of more, the cursor can't be so far behind without other trouble. */
const MOST_MARKS = 32;
/** With ids of 36 characters, what a note has room for. */
const MOST_IDS = 1_000;

/** The marks in a node's name record, newest last. Read once at each start. */
export class BusMarks {
  readonly #marks: readonly BusMark[];

  private constructor(marks: readonly BusMark[]) {
    this.#marks = marks;
  }

  /** No marks, for a node without a name. */
  static readonly NONE: BusMarks = new BusMarks([]);

  /** What can't be read is left out: its events are delivered again, and flagged. */
  static read(note: unknown): BusMarks {
    const marks = isObject(note) && Array.isArray(note["buses"]) ? note["buses"] : [];
    return new BusMarks(marks.filter(isMark));
  }

  /** Without those that no event can come for any more. */
  after(group: { readonly cursor: number; readonly pending: number }): BusMarks {
    if (group.pending > 0) return this;
    return new BusMarks(this.#marks.filter(({ upTo }) => upTo > group.cursor));
  }

  /** Whether a bus before this one had the event, and its handlers there were done. */
  has({ id, via, position }: StoredEvent): boolean {
    return this.#marks.some(
      ({ bus, upTo, except, also }) =>
        position <= upTo && (via.includes(bus) || also.includes(id)) && !except.includes(id),
    );
  }

  /** The note with one more mark; `undefined` when there would be no room for its ids. */
  noteWith(mark: BusMark): { readonly buses: readonly BusMark[] } | undefined {
    if (idsIn([mark]) > MOST_IDS) return undefined;
    const others = this.#marks.filter(({ bus }) => bus !== mark.bus);
    const buses = [...others, mark].slice(-MOST_MARKS);
    for (let rest = idsIn(buses); rest > MOST_IDS; rest = idsIn(buses)) {
      buses.shift();
    }
    return { buses };
  }
}

function idsIn(marks: readonly BusMark[]): number {
  return marks.reduce((sum, { except, also }) => sum + except.length + also.length, 0);
}

function isMark(value: unknown): value is BusMark {
  if (!isObject(value)) return false;
  const { bus, upTo, except, also } = value;
  return typeof bus === "string" && Number.isSafeInteger(upTo) && isTexts(except) && isTexts(also);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
