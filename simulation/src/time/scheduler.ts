import type { Lane, Task } from "./lane.ts";
import { Lane as NewLane } from "./lane.ts";
import type { Owner } from "./owner.ts";
import type { Random } from "./random.ts";

/** The real one, before any simulation puts its own in place. */
const afterMicrotasks = setImmediate;

/** A task to be. */
export interface TaskOptions {
  readonly owner: Owner;
  /** In how many ms. @default 0 */
  readonly afterMs?: number | undefined;
  /** What it must not overtake. @default nothing */
  readonly lane?: Lane | undefined;
  readonly run: () => void;
}

/**
 * The only source of order in a simulation: of all that could run now, a random source picks what does. Between two
 * tasks all microtasks are done. Time stands still while anything can run, and then jumps to what falls due next.
 */
export class Scheduler {
  /** In ms since the run began. */
  now = 0;
  /** Tasks that ran. */
  steps = 0;
  readonly #random: Random;
  readonly #later = new DueQueue();
  /** Lanes with a task that could run now. */
  readonly #lanes: Lane[] = [];
  #isEnded = false;
  #failure: Error | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  add({ owner, afterMs = 0, lane = new NewLane(), run }: TaskOptions): Task {
    const due = this.now + afterMs;
    const task: Task = { owner, due, lane, run, isCancelled: false };
    lane.lastDue = due;
    this.#later.push(task);
    return task;
  }

  /** No other task runs. */
  end(failure?: Error): void {
    this.#isEnded = true;
    this.#failure ??= failure;
  }

  /** Runs tasks until {@link Scheduler.end}; rejects when there is nothing to run, or after `limit` tasks. */
  run(limit: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let last: Owner | undefined;
      const turn = (): void => {
        last?.afterTask?.();
        if (this.#isEnded) {
          if (this.#failure === undefined) resolve();
          else reject(this.#failure);
          return;
        }
        const task = this.#next();
        if (task === undefined || this.steps >= limit) {
          reject(new Error(task ? `Nothing came to rest in ${limit} tasks.` : "Nothing can run."));
          return;
        }
        this.steps += 1;
        last = task.owner;
        task.run();
        afterMicrotasks(turn);
      };
      afterMicrotasks(turn);
    });
  }

  #next(): Task | undefined {
    for (;;) {
      if (this.#lanes.length === 0 && !this.#advance()) return undefined;
      this.#collect();
      const index = this.#random.between(0, this.#lanes.length - 1);
      const lane = this.#lanes[index];
      const task = lane?.ready.shift();
      if (lane?.ready.length === 0) this.#lanes.splice(index, 1);
      if (task && !task.isCancelled && task.owner.isAlive) return task;
    }
  }

  /** Goes on to the next moment at which something can run. */
  #advance(): boolean {
    for (let task = this.#later.first; task; task = this.#later.first) {
      if (!task.isCancelled && task.owner.isAlive) {
        this.now = Math.max(this.now, task.due);
        this.#collect();
        return true;
      }
      this.#later.pop();
    }
    return false;
  }

  /** Takes in what is due by now. */
  #collect(): void {
    for (let task = this.#later.first; task && task.due <= this.now; task = this.#later.first) {
      this.#later.pop();
      if (task.lane.ready.push(task) === 1) this.#lanes.push(task.lane);
    }
  }
}

/** Tasks by the moment when they fall due; those of one moment in the order in which they were added. */
class DueQueue {
  readonly #heap: { readonly task: Task; readonly sequence: number }[] = [];
  #added = 0;

  get first(): Task | undefined {
    return this.#heap[0]?.task;
  }

  push(task: Task): void {
    this.#added += 1;
    let index = this.#heap.push({ task, sequence: this.#added }) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  pop(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    for (let index = 0; ;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === index) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const first = this.#heap[one];
    const second = this.#heap[other];
    if (!first || !second) return false;
    return (
      first.task.due - second.task.due < 0 ||
      (first.task.due === second.task.due && first.sequence < second.sequence)
    );
  }

  #swap(one: number, other: number): void {
    const first = this.#heap[one];
    const second = this.#heap[other];
    if (!first || !second) return;
    this.#heap[one] = second;
    this.#heap[other] = first;
  }
}
