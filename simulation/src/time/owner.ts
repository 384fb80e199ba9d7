import { AsyncLocalStorage } from "node:async_hooks";
import { Lane } from "./lane.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * To whom belongs what is scheduled: a process of the simulation, or the world around them. It follows promises, so that
 * everything that a process begins is its own, and ends with it.
 */
export class Owner {
  readonly name: string;
  readonly scheduler: Scheduler;
  /** Timers of one process run in the order in which they fall due. */
  readonly timers: Lane = new Lane();
  /** Timers that would keep the process alive. */
  readonly held: Set<object> = new Set();
  /** On whose behalf the world does something, e.g. stores an event. */
  readonly behalf: Owner | undefined;
  /** Called after each of its tasks, when all that follows from it is done. */
  afterTask: (() => void) | undefined;
  #isAlive = true;

  constructor(name: string, scheduler: Scheduler, behalf?: Owner) {
    this.name = name;
    this.scheduler = scheduler;
    this.behalf = behalf;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Nothing that belongs to it runs any more. */
  kill(): void {
    this.#isAlive = false;
    this.held.clear();
  }

  /** Runs something as a part of it. */
  run<T>(work: () => T): T {
    return storage.run(this, work);
  }
}

const storage = new AsyncLocalStorage<Owner>();

/** To whom what runs now belongs; `undefined` outside of simulations. */
export function currentOwner(): Owner | undefined {
  return storage.getStore();
}
