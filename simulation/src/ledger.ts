/** A way to publish. */
export type Via = "events" | "emitter" | "bus" | "sync" | "stages" | "queue";

/** Whether it goes over a bus, and to the queue from there. */
export function isByBus(via: Via): boolean {
  return via === "bus" || via === "sync" || via === "stages";
}

/**
 * Of what a publish came: `stored`, as its call says; `known`, the call says that it was stored before; `spooled`, the
 * call says that it will be; `unsaid`, the call can't say; `refused`, the call rejected.
 */
export type Outcome = "stored" | "known" | "spooled" | "unsaid" | "refused";

/** An event as whoever got it saw it. */
export interface Seen {
  readonly topic: string;
  readonly id: string;
  /** Names the publish that made it, in its payload. */
  readonly tag: string;
  readonly causation: string | undefined;
  readonly correlation: string;
  readonly redelivered: boolean;
}

/** What a process writes down. */
export type ProcessFact =
  | { readonly what: "starting" }
  /** Newest positions of its queues. */
  | { readonly what: "started"; readonly newest: readonly number[]; readonly version: 1 | 2 }
  | { readonly what: "start-failed"; readonly code: string }
  /** A handler of an event is done, and waits for the stop of its coordinator before it returns. */
  | { readonly what: "joins"; readonly id: string }
  /** A start succeeded that was asked for while it was being closed. */
  | { readonly what: "started-late" }
  | {
      readonly what: "stopping";
      readonly how: "stop" | "close";
      readonly limitMs: number | undefined;
    }
  | {
      readonly what: "stopped";
      readonly how: "stop" | "close";
      readonly drained: boolean;
      readonly left: number;
      /** Handlers that run, and publishes that have not resolved, when it says so. */
      readonly open: number;
      /** Timers that would keep the process alive. */
      readonly timers: number;
    }
  | { readonly what: "crash" }
  | {
      readonly what: "publish";
      readonly tag: string;
      readonly topic: string;
      readonly via: Via;
      readonly queue: number;
      readonly key: string | undefined;
      /** The event in whose handler this is. */
      readonly parent: string | undefined;
    }
  | {
      readonly what: "published";
      readonly tag: string;
      readonly outcome: Outcome;
      readonly id: string | undefined;
      readonly code: string | undefined;
    }
  /** Its bus dispatched an event. */
  | ({ readonly what: "got" } & Seen)
  /** A handler begins; with an attempt when it works for a group. */
  | ({
      readonly what: "begin";
      readonly handler: string;
      readonly group: string | undefined;
      readonly queue: number;
      readonly attempt: number;
      readonly key: string | undefined;
    } & Seen)
  | {
      readonly what: "end";
      readonly handler: string;
      readonly group: string | undefined;
      readonly queue: number;
      readonly id: string;
      readonly tag: string;
      readonly attempt: number;
      readonly failed: boolean;
    }
  /** A handler waited for the answer to its event. */
  | {
      readonly what: "waited";
      readonly handler: string;
      readonly tag: string;
      readonly for: string;
      readonly since: number;
      readonly came: boolean;
    }
  /** A call to the queue that was not made, or whose answer was lost. */
  | { readonly what: "fault"; readonly kind: "refused" | "lost" }
  | { readonly what: "warning"; readonly code: string; readonly message: string };

/** What the world writes down: what the queues did. */
export type WorldFact =
  | {
      readonly what: "stored";
      readonly queue: number;
      readonly position: number;
      readonly id: string;
      readonly type: string;
      readonly key: string | undefined;
      readonly tag: string;
      readonly causation: string | undefined;
      readonly correlation: string;
      readonly by: string;
    }
  | {
      readonly what: "settled";
      readonly queue: number;
      readonly group: string;
      readonly id: string;
    }
  | {
      readonly what: "buried";
      readonly queue: number;
      readonly group: string;
      readonly id: string;
      readonly attempts: number;
    }
  /** A group passes over what it has of types that no member has wanted for long. */
  | {
      readonly what: "done-with";
      readonly queue: number;
      readonly group: string;
      readonly types: readonly string[];
    }
  /** Nothing is left to do; or that did not come about in time. */
  | { readonly what: "rest"; readonly newest: readonly number[] }
  | { readonly what: "restless"; readonly pending: readonly string[] }
  | { readonly what: "end-of-run"; readonly newest: readonly number[] };

type Written<Fact> = Fact & {
  /** In ms since the run began. */
  readonly at: number;
  /** Place in the ledger. */
  readonly index: number;
  readonly node: string;
  /** Which process of this node, from 1; 0 for the world. */
  readonly life: number;
};

/** A line of a process's ledger. */
export type ProcessEntry = Written<ProcessFact>;
/** A line of the world's. */
export type WorldEntry = Written<WorldFact>;
/** A line of a ledger. */
export type Entry = ProcessEntry | WorldEntry;
/** Lines that say `what`. */
export type EntryOf<What extends Entry["what"]> = Extract<Entry, { what: What }>;

/** Who writes, and when. */
export interface Writer {
  readonly at: number;
  readonly node: string;
  readonly life: number;
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** Ids of processes and of what they made. */
const INSTANCE = /(?:process \d+ on host "[^"]*" )?\(?\d+\.\d+-[0-9a-f]{12}[\w/-]*\)?/g;

/**
 * All that happened in a run, in order. Ids of events are replaced by short ones in the order in which they appear, since
 * the real ones differ from process to process.
 */
export class Ledger {
  readonly entries: Entry[] = [];
  readonly #aliases = new Map<string, string>();

  write(writer: Writer, fact: ProcessFact | WorldFact): void {
    this.entries.push({ ...writer, index: this.entries.length, ...fact });
  }

  /** The short form of an id. */
  alias(id: string): string {
    let alias = this.#aliases.get(id);
    if (alias === undefined) this.#aliases.set(id, (alias = `e${this.#aliases.size + 1}`));
    return alias;
  }

  /** A text of somebody's with its ids replaced, cut to one line. */
  text(message: string): string {
    const [first = ""] = message.split("\n", 1);
    return first
      .replace(UUID, (id) => this.alias(id))
      .replace(INSTANCE, "…")
      .slice(0, 160);
  }

  /** Lines that say `what`, in order. */
  of<What extends Entry["what"]>(what: What): EntryOf<What>[] {
    return this.entries.filter((entry): entry is EntryOf<What> => entry.what === what);
  }

  /** One line an entry. */
  toString(): string {
    return this.entries.map(line).join("\n");
  }

  /** One of them. */
  line(index: number): string {
    const entry = this.entries[index];
    return entry ? line(entry) : "";
  }
}

function line({ at, node, life, what, ...fact }: Entry): string {
  const fields = Object.entries(fact)
    .filter(([name]) => name !== "index")
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? value.join("/") : String(value)}`);
  const who = life === 0 ? node : `${node}#${life}`;
  return [String(at).padStart(7), who.padEnd(6), what.padEnd(9), ...fields].join(" ");
}
