import type { Tracing } from "./diagnostics.node.ts";

const channel = {
  publish(): void {},
  runStores(_context: object, fn: () => unknown): unknown {
    return fn();
  },
};

/** Browsers have no diagnostics channels: nobody can subscribe. */
const nobody = {
  hasSubscribers: false,
  start: channel,
  end: channel,
  asyncStart: channel,
  asyncEnd: channel,
  error: channel,
} as unknown as Tracing;

export const publishing: Tracing = nobody;
export const handling: Tracing = nobody;

export function isTraced(): boolean {
  return false;
}
