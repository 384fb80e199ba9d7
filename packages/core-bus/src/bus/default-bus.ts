import type { EventBus } from "./bus.ts";
import { createEventBus } from "./create-event-bus.ts";

/** On the global object, so that a reloaded or second copy of this package finds the same bus. */
const KEY = Symbol.for("@ringrift/core-bus/default/1");
const holder = globalThis as { [KEY]?: EventBus | undefined };

/** The process's default bus, made at the first call with default options. */
export function getEventBus(): EventBus {
  return (holder[KEY] ??= createEventBus());
}

/** Closes the default bus and forgets it: the next `getEventBus()` makes a new one. For tests and reloads. */
export function resetEventBus(): void {
  const bus = holder[KEY];
  holder[KEY] = undefined;
  void bus?.close();
}
