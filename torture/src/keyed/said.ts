import type { Work } from "./work.ts";

/** How a handler ended. `abandoned`: its lease was lost, or its consumer was told to hurry. */
export type Outcome = "handled" | "failed" | "permanent" | "abandoned";

/** What a publisher says. */
export type PublisherSaid =
  | { readonly kind: "attempt"; readonly n: number; readonly key?: string }
  | { readonly kind: "sent"; readonly n: number; readonly id: string; readonly position: number };

/** What a consumer says. */
export type ConsumerSaid =
  | { readonly kind: "ready" }
  /** A handler begins; `run` is a number of its own in this process. */
  | {
      readonly kind: "begin";
      readonly run: number;
      readonly id: string;
      readonly position: number;
      readonly key?: string;
      readonly attempt: number;
      readonly redelivered: boolean;
    }
  /** The handler is about to return, or to throw. */
  | { readonly kind: "end"; readonly run: number; readonly id: string; readonly outcome: Outcome }
  /** What became of it: `false` when the lease was lost, `undefined` when nobody knows. */
  | { readonly kind: "settled"; readonly run: number; readonly id: string; readonly held?: boolean }
  /** It made a dead letter. */
  | { readonly kind: "buried"; readonly id: string; readonly code: string }
  /** Its event loop stood still for so long. */
  | { readonly kind: "stalled"; readonly ms: number }
  | { readonly kind: "stopped" };

/** What the torturer says. */
export type TorturerSaid =
  | { readonly kind: "kill"; readonly who: string }
  | { readonly kind: "freeze"; readonly who: string }
  | { readonly kind: "thaw"; readonly who: string }
  /** The server, or the way to it, is gone from now on; `what` says what was done. */
  | { readonly kind: "away"; readonly what: string }
  | { readonly kind: "back"; readonly what: string }
  /** What came last is lost, of these streams or parts of them. */
  | { readonly kind: "rewound"; readonly parts: readonly string[] }
  | { readonly kind: "redriving"; readonly id: string; readonly code: string }
  | { readonly kind: "redriven"; readonly id: string; readonly count?: number }
  /** Nobody sends any more, and nothing bad is done. */
  | { readonly kind: "calm" };

/** Whoever says it may also complain, or be refused something. */
export type Said =
  | PublisherSaid
  | ConsumerSaid
  | TorturerSaid
  | { readonly kind: "complaint"; readonly code: string; readonly message: string };

/** A statement, by whom, and when: microseconds of the machine's monotonic clock. */
export type Entry = Said & { readonly by: string; readonly at: number };

/** What an event carries. */
export interface Payload {
  readonly from: string;
  readonly n: number;
  readonly work: Work;
}
