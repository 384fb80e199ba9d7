import type { Entry } from "./entry.ts";
import type { Subscription } from "./subscription.ts";

const ENTRY: unique symbol = Symbol("entry");

interface Face {
  (): void;
  readonly [ENTRY]: Entry;
}

/** What all subscriptions share; defining it on each of them would cost more than subscribing does. */
const prototype: object = Object.create(Function.prototype, {
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
  [Symbol.for("nodejs.util.inspect.custom")]: {
    value(this: Face) {
      const { name, selector, active } = this[ENTRY];
      return `Subscription { name: "${name}", topic: "${selector.text}", active: ${active} }`;
    },
  },
});

/** Makes what `subscribe` gives for an entry. */
export function subscriptionOf(entry: Entry): Subscription {
  const end = (): void => entry.release();
  const face = Object.assign(end, { [ENTRY]: entry });
  Object.defineProperty(face, "name", { value: entry.name });
  return Object.setPrototypeOf(face, prototype) as Subscription;
}
