import type { Via } from "../ledger.ts";
import type { Topic } from "./topics.ts";

/** A step of a handler. */
export type Action =
  | {
      readonly do: "publish";
      /** The same child at every attempt has the same label. */
      readonly label: string;
      readonly via: Via;
      readonly topic: Topic;
      readonly key?: string | undefined;
      /** Whether the handler waits for it. */
      readonly isAwaited: boolean;
    }
  | { readonly do: "sleep"; readonly ms: number }
  /** Waits on the bus for the child of its own event on this topic. */
  | { readonly do: "await"; readonly topic: Topic }
  | { readonly do: "fail" };

/** A subscriber of a node's bus. */
export interface SubscriberPlan {
  readonly name: string;
  readonly node: string;
  readonly topic: Topic;
  readonly actions: readonly Action[];
}

/** A work group; its members are the same on all of its nodes. */
export interface WorkPlan {
  readonly group: string;
  /** That of its nodes. */
  readonly queue: number;
  readonly nodes: readonly string[];
  readonly topics: readonly Topic[];
  /** What it works on from version 2. */
  readonly laterTopics?: readonly Topic[] | undefined;
  readonly concurrency: number;
  readonly maxAttempts: number;
  readonly laterMaxAttempts?: number | undefined;
  readonly leaseMs: number;
  /** What the handler does at each attempt; the last of them at all later ones. */
  readonly attempts: readonly (readonly Action[])[];
}

export interface NodePlan {
  readonly name: string;
  /** Whether it is a named node. */
  readonly isNamed: boolean;
  /** Of its coordinator. */
  readonly queue: number;
  /** The bridge of its process, if it has one: between its queue and each of these. */
  readonly bridge?: { readonly name: string; readonly to: readonly number[] } | undefined;
}

/** What is done to the nodes, one after another. */
export type Step = { readonly waitMs: number } & (
  | {
      readonly do: "publish";
      readonly node: string;
      readonly via: Via;
      readonly topic: Topic;
      readonly key?: string | undefined;
      /** How many at once. */
      readonly count: number;
    }
  | { readonly do: "start"; readonly node: string }
  /** The next step waits until the node is running. */
  | { readonly do: "await-start"; readonly node: string }
  | { readonly do: "stop"; readonly node: string; readonly limitMs?: number | undefined }
  | { readonly do: "close"; readonly node: string; readonly limitMs?: number | undefined }
  /** In the middle of what it does then: after so many of its tasks. */
  | { readonly do: "crash"; readonly node: string; readonly afterTasks: number }
  /** For so long every call of a node to its queues is refused. */
  | { readonly do: "outage"; readonly node: string; readonly forMs: number }
  /** From its next start on, the node has this version. */
  | { readonly do: "deploy"; readonly node: string; readonly version: 1 | 2 }
);

/** Of a thousand calls to a queue, so many… */
export interface Faults {
  /** … are made, and their answer is lost. */
  readonly lost: number;
  /** … are not made, and rejected. */
  readonly refused: number;
  /** … take long. */
  readonly slow: number;
}

/** Everything that a run depends on: the same scenario gives the same ledger. */
export interface Scenario {
  /** Of what runs next, and how long everything takes. */
  readonly schedule: number;
  readonly queues: number;
  readonly faults: Faults;
  readonly nodes: readonly NodePlan[];
  readonly subscribers: readonly SubscriberPlan[];
  readonly work: readonly WorkPlan[];
  readonly steps: readonly Step[];
}
