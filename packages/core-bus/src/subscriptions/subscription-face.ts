import { quoted } from "@ringrift/envelope";
import { inspectAs } from "../host/inspection.ts";
import type { Subscription } from "../contract/subscription.ts";

const ENTRY: unique symbol = Symbol("entry");

/** What a subscription shows of its entry. */
interface Shown {
  readonly name: string;
  readonly active: boolean;
  readonly selector: { readonly text: string };
  release(): void;
}

interface Face {
  (): void;
  readonly [ENTRY]: Shown;
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
export function subscriptionOf(entry: Shown): Subscription {
  const end = (): void => entry.release();
  const face = Object.assign(end, { [ENTRY]: entry });
  Object.defineProperty(face, "name", { value: entry.name });
  return Object.setPrototypeOf(face, prototype) as Subscription;
}
