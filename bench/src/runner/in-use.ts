import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Makes this process one in which something has been run in an asynchronous context, as every program has that handles
 * events: from then on V8 asks for the context in earnest, and asking for it costs 7 ns instead of 1 (Node 24).
 */
export function enterContextOnce(): void {
  new AsyncLocalStorage<undefined>().run(undefined, () => {});
}
