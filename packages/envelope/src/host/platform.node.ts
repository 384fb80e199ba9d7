import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { threadId } from "node:worker_threads";
import { requireNode } from "./node-version.ts";

// Every package begins with this one.
requireNode(process.versions.node);

/** The slot that holds what is being handled across `await`s. */
export interface ContextSlot {
  getStore(): unknown;
  run<T>(value: unknown, fn: () => T): T;
  /** The same; afterwards the caller's context is the one that it was, not a new one that says the same. */
  runCleanly<T>(value: unknown, fn: () => T): T;
}

class NodeSlot extends AsyncLocalStorage<unknown> implements ContextSlot {
  runCleanly<T>(value: unknown, fn: () => T): T {
    return new AsyncResource("ringrift:event").runInAsyncScope(() => this.run(value, fn));
  }
}

/** Creates the slot: an `AsyncLocalStorage`, which follows promises, timers and callbacks. */
export function createContextSlot(): ContextSlot {
  return new NodeSlot();
}

/** Names the process and worker thread, for people who read node ids in logs. */
export function platformLabel(): string {
  return `${process.pid}.${threadId}`;
}
