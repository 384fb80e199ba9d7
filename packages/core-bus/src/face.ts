import { quoted } from "@ringrift/envelope";
import type { Entry } from "./entry.ts";
import { inspectAs } from "./inspection.ts";
import type { Subscription } from "./subscription.ts";

const ENTRY: unique symbol = Symbol("entry");

interface Face {
  (): void;
  readonly [ENTRY]: Entry;
}

/** What all subscriptions share; defining it on each of them would cost more than subscribing does. */
const prototype: Face = Object.create(Function.prototype, {
  topic: {
    get(this: Face) {
      return this[ENTRY].selector.text;
    },
  },
  active: {
    get(this: Face) {
      return this[ENTRY].active;
    },
  },
  [Symbol.dispose]: {
    value(this: Face) {
      this();
    },
  },
});

inspectAs(prototype, (face) => {
  const { name, selector, active } = face[ENTRY];
  return `Subscription { name: ${quoted(name)}, topic: ${quoted(selector.text, 256)}, active: ${active} }`;
});

/** Makes what `subscribe` gives for an entry. */
export function subscriptionOf(entry: Entry): Subscription {
  const end = (): void => entry.release();
  const face = Object.assign(end, { [ENTRY]: entry });
  Object.defineProperty(face, "name", { value: entry.name });
  return Object.setPrototypeOf(face, prototype) as Subscription;
}
