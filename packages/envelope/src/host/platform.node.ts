import { AsyncLocalStorage } from "node:async_hooks";
import { threadId } from "node:worker_threads";
import { requireNode } from "./node-version.ts";

// Every package begins with this one.
requireNode(process.versions.node);

/** The slot that holds what is being handled across `await`s. */
export interface ContextSlot {
  getStore(): unknown;
  run<T>(value: unknown, fn: () => T): T;
}

/** Creates the slot: an `AsyncLocalStorage`, which follows promises, timers and callbacks. */
export function createContextSlot(): ContextSlot {
  return new AsyncLocalStorage<unknown>();
}

/** Names the process and worker thread, for people who read node ids in logs. */
export function platformLabel(): string {
  return `${process.pid}.${threadId}`;
}
