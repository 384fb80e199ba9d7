import type { StartFrom } from "@ringrift/envelope";
import type { Bell } from "./bell.ts";
import type { StoredEvent } from "../contract/events.ts";
import { longPoll, type Taken } from "./long-poll.ts";

/** Which part of the log to read. */
export interface LogQuery {
  /** `undefined` for every type. */
  readonly eventTypes: readonly string[] | undefined;
  /** Positions above this one. */
  readonly after: number;
  readonly limit: number;
}

/** What a read gave. */
export interface LogPage {
  /** In position order, at most `limit`. */
  readonly events: readonly StoredEvent[];
  /**
   * Up to which position the log was looked at: that of the last event when `limit` were found, else the
   * newest position of the log, so that what doesn't match isn't looked at again. At least `after`.
   */
  readonly scannedTo: number;
}

/** For backends: the log as `receive` without a group and `stream` read it. */
export interface LogSource {
  read(query: LogQuery): Promise<LogPage>;
  /** The position after which reading begins. Called at once, so that "now" is the moment of the call. */
  resolve(from: StartFrom): Promise<number>;
  /** Rings when there may be new events; closed when the instance is. */
  readonly bell: Bell;
}

/** What a reader is asked for; checked already, defaults filled in. */
export interface ReaderRequest {
  readonly eventTypes: readonly string[] | undefined;
  readonly limit: number;
  readonly waitMs: number;
  readonly from: StartFrom;
  readonly signal?: AbortSignal | undefined;
}

/**
 * For backends: what `receive` without a group remembers. Every retained event is given at most once per
 * instance. There is a cursor for each type that was asked for by name, and one for all other types, made
 * by the first call that asks for every type; a call moves the cursors of the types it asks for, and only
 * those. So asking for `["A"]` and then for everything gives the events of A once, and what was sent
 * of A meanwhile comes with the second call. `from` counts for a type without a cursor.
 */
export class InstanceReader {
  readonly #source: LogSource;
  readonly #cursors = new Map<string, number>();
  /** Cursor of the types not in `#cursors`. */
  #others: number | undefined;
  /** Calls that overlap must not give the same event twice: they look one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: LogSource) {
    this.#source = source;
  }

  async receive(request: ReaderRequest): Promise<StoredEvent[]> {
    const { waitMs, signal } = request;
    const start = this.#isNew(request.eventTypes) ? this.#source.resolve(request.from) : undefined;
    // Its failure belongs to the first look, which an aborted call doesn't reach.
    start?.catch(() => {});
    const take = async (): Promise<Taken<StoredEvent>> => ({
      items: await this.#inTurn(async () => this.#take(request, (await start) ?? 0)),
    });
    return longPoll({ bell: this.#source.bell, take, waitMs, signal });
  }

  #isNew(eventTypes: readonly string[] | undefined): boolean {
    if (this.#others !== undefined) return false;
    return eventTypes?.some((type) => !this.#cursors.has(type)) ?? true;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #take(request: ReaderRequest, start: number): Promise<StoredEvent[]> {
    const { eventTypes, limit } = request;
    if (eventTypes === undefined) this.#others ??= start;
    for (const type of eventTypes ?? []) {
      if (!this.#cursors.has(type)) this.#cursors.set(type, this.#others ?? start);
    }
    const found: StoredEvent[] = [];
    while (found.length < limit) {
      const asked = limit - found.length;
      const after = this.#lowest(eventTypes);
      let page: LogPage;
      try {
        page = await this.#source.read({ eventTypes, after, limit: asked });
      } catch (error) {
        // What was found is passed by the cursors already, and would be lost.
        if (found.length > 0) break;
        throw error;
      }
      for (const event of page.events) {
        if (event.position > this.#cursorOf(event.type)) found.push(event);
      }
      this.#advance(eventTypes, page.scannedTo);
      if (page.events.length < asked) break;
    }
    return found;
  }

  #cursorOf(type: string): number {
    return this.#cursors.get(type) ?? this.#others ?? 0;
  }

  #lowest(eventTypes: readonly string[] | undefined): number {
    if (eventTypes !== undefined)
      return Math.min(...eventTypes.map((type) => this.#cursorOf(type)));
    return Math.min(this.#others ?? 0, ...this.#cursors.values());
  }

  #advance(eventTypes: readonly string[] | undefined, to: number): void {
    for (const type of eventTypes ?? [...this.#cursors.keys()]) {
      this.#cursors.set(type, Math.max(this.#cursorOf(type), to));
    }
    if (eventTypes === undefined) this.#others = Math.max(this.#others ?? 0, to);
  }
}
