import type { Owner } from "./owner.ts";

/** One thing that can run: a timer, a call that reaches a queue, its answer, a ring. */
export interface Task {
  readonly owner: Owner;
  /** Not before this moment. */
  readonly due: number;
  readonly lane: Lane;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Tasks that run one after another, in the order in which they fall due. */
export class Lane {
  /** Those that are due. */
  readonly ready: Task[] = [];
  /** When the last one that was added falls due. */
  lastDue = 0;
}
