import type { QueuePlace } from "../queue-place.ts";
import type { BugName } from "./known-bugs.ts";
import type { Call, Task } from "./catalogue.ts";

/** What a process, or a worker thread of it, is told at its start. */
export interface MemberOptions {
  /** Where the queue is. */
  readonly place: QueuePlace;
  /** The folder of the journals. */
  readonly journals: string;
  /** The name of its journal. */
  readonly by: string;
  /** Name of its node; without one, it is unnamed. */
  readonly node?: string;
  /** Whether it belongs to the work groups as well. */
  readonly works: boolean;
  readonly leaseMs: number;
  readonly bugs: readonly BugName[];
  /** A second coordinator, in a worker thread. */
  readonly thread?: MemberOptions;
}

/** What a process is told that joins two queues. */
export interface JointOptions extends Pick<MemberOptions, "by" | "journals" | "leaseMs"> {
  readonly name: string;
  readonly places: readonly QueuePlace[];
}

/** A task, and how its publisher publishes it. */
export interface Given {
  readonly task: Task;
  readonly how: Call;
}

/** What the torturer asks of a coordinator. */
export type Order =
  | { readonly do: "load"; readonly given: readonly Given[] }
  /** Stops the coordinator, and starts the same one again. */
  | { readonly do: "restart" }
  /** Closes the coordinator, and makes a new one. */
  | { readonly do: "renew" }
  /** Closes everything; the process must end by itself. */
  | { readonly do: "quit" };

export type Address = "main" | "thread";
export type Message = Order & { readonly to: Address };
