import type { Call, Topic } from "./catalogue.ts";

/** One run of a coordinator, from its start to its stop or its end: `<journal>#<n>`. */
export type Life = string;

/** What a process of a run says of itself, as it happens. */
export type Said =
  /** `start()` has resolved. */
  | { readonly kind: "up"; readonly life: Life; readonly node?: string }
  /** `start()` was refused; it tries again. */
  | { readonly kind: "refused"; readonly life: Life; readonly code: string }
  /** A process that joins two queues has begun. */
  | { readonly kind: "joined" }
  | { readonly kind: "stopping"; readonly life: Life }
  | {
      readonly kind: "down";
      readonly life: Life;
      readonly drained: boolean;
      readonly left: number;
    }
  /** Is about to publish it. `parent`: the event that is being handled. */
  | {
      readonly kind: "attempt";
      readonly life: Life;
      readonly n: number;
      readonly name: string;
      readonly topic: Topic;
      readonly how: Call;
      readonly key?: string;
      readonly parent?: { readonly id: string; readonly correlationId: string };
      /** Where it is published: in a bus subscriber, or in the handler of a work group. */
      readonly within?: "bus" | "work";
    }
  /** That call has returned, without an error that says "not stored". */
  | { readonly kind: "done"; readonly n: number; readonly name: string; readonly id?: string }
  /** That call has failed, or has said that it is not stored. */
  | { readonly kind: "failed"; readonly n: number; readonly name: string; readonly code: string }
  /** A bus subscriber begins with an event. */
  | ({ readonly kind: "got"; readonly life: Life; readonly n: number } & Seen)
  /** It has ended, one way or the other. */
  | { readonly kind: "let-go"; readonly n: number }
  /** A work handler begins with an event. */
  | ({
      readonly kind: "begin";
      readonly life: Life;
      readonly n: number;
      readonly group: string;
      readonly attempt: number;
    } & Seen)
  /** It has ended: `ok` is the effect of the work. */
  | { readonly kind: "end"; readonly n: number; readonly ok: boolean }
  /** Whether the answer that a handler waited for has come, after how many milliseconds. */
  | {
      readonly kind: "answer";
      readonly life: Life;
      readonly name: string;
      readonly ok: boolean;
      readonly ms: number;
    }
  /** The event loop did nothing for so long: leases may have run out. */
  | { readonly kind: "stalled"; readonly ms: number }
  /** Something that nobody planned. */
  | { readonly kind: "complaint"; readonly code: string; readonly message: string }
  | Deed;

/** What the torturer does, in its own journal. `who` is a process, all of its threads included. */
type Deed =
  | { readonly kind: "kill"; readonly who: string }
  /** It is gone; what the groups of its named nodes had passed then. */
  | {
      readonly kind: "killed";
      readonly who: string;
      readonly cursors: Readonly<Record<string, number>>;
    }
  | { readonly kind: "freeze"; readonly who: string }
  /** `kill -9` of the server that the queues are in. */
  | { readonly kind: "server-killed" }
  | { readonly kind: "thaw"; readonly who: string }
  /** A write took so long: whoever was frozen had the write lock, and nobody could prolong a lease. */
  | { readonly kind: "blocked"; readonly ms: number }
  /** Everything has come to rest, and stays so until `disturbed`. `last`: the last positions of the logs, summed up. */
  | { readonly kind: "rest"; readonly last: number }
  | { readonly kind: "disturbed"; readonly last: number };

/** An event as a handler sees it. */
export interface Seen {
  readonly id: string;
  readonly name: string;
  readonly topic: string;
  readonly correlationId: string;
  readonly causationId?: string;
  readonly redelivered: boolean;
}

/** A statement, by whom, and when, in microseconds of the machine's monotonic clock. */
export type Entry = Said & { readonly by: string; readonly at: number };

/** The process of a journal: a worker thread's own journal is `<process>+<n>`. */
export function processOf(by: string): string {
  return by.split("+")[0] ?? by;
}
