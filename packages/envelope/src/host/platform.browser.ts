import type { ContextSlot } from "./platform.node.ts";

/**
 * Browsers have no `AsyncLocalStorage`: the context is explicit there. It holds during the
 * synchronous part of `run` only; after an `await`, pass `lineage` yourself.
 */
export function createContextSlot(): ContextSlot {
  let current: unknown;
  const run = <T>(value: unknown, fn: () => T): T => {
    const outer = current;
    current = value;
    try {
      return fn();
    } finally {
      current = outer;
    }
  };
  return { getStore: () => current, run, runCleanly: run };
}

/** Names the platform in node ids. */
export function platformLabel(): string {
  return "browser";
}
