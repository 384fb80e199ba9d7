import { AsyncLocalStorage } from "node:async_hooks";
import { type EventLineage, runWithEvent } from "@ringrift/envelope";

/**
 * What is known about the delivery that is being handled, for backends: gives the events its handler
 * sends a dedupe key that is the same at every retry. Ends with the delivery: what a forgotten timer
 * sends later is nobody's child.
 */
interface DeliveryScope {
  readonly prefix: string;
  /** Whether what it sends gets dedupe keys. */
  readonly dedupeChildren: boolean;
  readonly sent: Map<string, number>;
  open: boolean;
}

// One store for all copies of this package in a process, or a child of another backend would be missed.
const KEY = Symbol.for("@ringrift/event-queue/delivery/2");
// The cast is safe: the symbol is ours.
const registry = globalThis as { [KEY]?: AsyncLocalStorage<DeliveryScope | undefined> };
const storage = (registry[KEY] ??= new AsyncLocalStorage<DeliveryScope | undefined>());

/**
 * For backends: runs a handler as one delivery of `event` to `group`. Events it publishes inherit its
 * lineage, and those it sends get dedupe keys unless `dedupeChildren` is `false`.
 */
export async function runDelivery<T>(
  group: string,
  event: EventLineage,
  dedupeChildren: boolean,
  handler: () => T,
): Promise<Awaited<T>> {
  const prefix = `${group}:${event.id}`;
  const scope = { prefix, dedupeChildren, sent: new Map<string, number>(), open: true };
  try {
    return await storage.run(scope, () => runWithEvent(event, handler));
  } finally {
    scope.open = false;
  }
}

/**
 * For backends: the dedupe key of the next event of `type` that the running handler sends
 * (`group:event id:type:n`), or `undefined` outside of a delivery. Counts, so call it once a send.
 */
export function nextChildDedupeKey(type: string): string | undefined {
  const scope = storage.getStore();
  if (!scope?.open || !scope.dedupeChildren) return undefined;
  const n = (scope.sent.get(type) ?? 0) + 1;
  scope.sent.set(type, n);
  return `${scope.prefix}:${type}:${n}`;
}

/** For backends: whether this runs in the handler of a delivery that isn't over. */
export function isHandling(): boolean {
  return storage.getStore()?.open === true;
}
