import type { Task } from "./lane.ts";
import type { Owner } from "./owner.ts";

/** A timer of a simulated process. */
export class VirtualTimer {
  readonly #owner: Owner;
  readonly #ms: number;
  readonly #repeats: boolean;
  readonly #callback: () => void;
  #task: Task | undefined;
  #isRef = true;

  constructor(owner: Owner, callback: () => void, options: { ms: number; repeats: boolean }) {
    this.#owner = owner;
    this.#callback = callback;
    // As in Node: whatever isn't from 1 to the longest delay is 1.
    this.#ms = options.ms >= 1 && options.ms <= 2_147_483_647 ? Math.trunc(options.ms) : 1;
    this.#repeats = options.repeats;
    this.#start();
  }

  ref(): this {
    this.#isRef = true;
    if (this.#task) this.#owner.held.add(this);
    return this;
  }

  unref(): this {
    this.#isRef = false;
    this.#owner.held.delete(this);
    return this;
  }

  hasRef(): boolean {
    return this.#isRef;
  }

  refresh(): this {
    this.close();
    this.#start();
    return this;
  }

  close(): this {
    if (this.#task) this.#task.isCancelled = true;
    this.#task = undefined;
    this.#owner.held.delete(this);
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #start(): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    // A continuation keeps the asynchronous context of this moment, as a timer does.
    void promise.then(() => this.#fire());
    this.#task = this.#owner.scheduler.add({
      owner: this.#owner,
      afterMs: this.#ms,
      lane: this.#owner.timers,
      run: resolve,
    });
    if (this.#isRef) this.#owner.held.add(this);
  }

  #fire(): void {
    if (this.#task === undefined || this.#task.isCancelled) return;
    this.#task = undefined;
    this.#owner.held.delete(this);
    if (this.#repeats) this.#start();
    this.#callback();
  }
}
