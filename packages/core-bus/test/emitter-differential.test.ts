import { EventEmitter } from "eventemitter3";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createEventBus, toEventEmitter } from "../src/index.ts";

const NAMES = ["a", "b", "a.b", "constructor", "__proto__"] as const;

/**
 * One call on an emitter. What the documented differences are about is left out: listeners that throw, that remove
 * listeners or that emit their own event again, lone arguments that are `undefined`, and names that are no topics.
 */
type Call =
  | ({
      readonly do: "add";
      readonly how: "on" | "once" | "addListener";
      readonly name: number;
    } & Added)
  | {
      readonly do: "remove";
      readonly how: "off" | "removeListener";
      readonly name: number;
      readonly fn: number | undefined;
      readonly context: number | undefined;
      readonly once: boolean | undefined;
    }
  | { readonly do: "removeAll"; readonly name: number | undefined }
  | { readonly do: "emit"; readonly name: number; readonly args: readonly unknown[] };

interface Added {
  readonly fn: number;
  readonly context: number | undefined;
}

const CONTEXTS = [{ id: 0 }, { id: 1 }, "a text", 0, null] as const;
const name = fc.nat(NAMES.length - 1);
const fn = fc.nat(5);
const context = fc.option(fc.nat(CONTEXTS.length - 1), { nil: undefined });
const args = fc
  .array(fc.constantFrom<unknown>(undefined, null, 0, "", "x", [1, 2], { id: 1 }, NaN), {
    maxLength: 7,
  })
  .filter((given) => given.length !== 1 || given[0] !== undefined);

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      how: fc.constantFrom("on" as const, "once" as const, "addListener" as const),
      name,
      fn,
      context,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("remove" as const),
      how: fc.constantFrom("off" as const, "removeListener" as const),
      name,
      fn: fc.option(fn, { nil: undefined, freq: 5 }),
      context,
      once: fc.option(fc.boolean(), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("removeAll" as const),
      name: fc.option(name, { nil: undefined }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("emit" as const), name, args }) },
);

/** Makes the calls, and writes down all that can be seen of the emitter meanwhile. */
function run(emitter: EventEmitter, calls: readonly Call[]): unknown[] {
  const seen: unknown[] = [];
  const look = (): void => {
    seen.push(emitter.eventNames());
    for (const each of NAMES) {
      const listeners = emitter.listeners(each).map((listener) => listener.name);
      seen.push([each, emitter.listenerCount(each), listeners]);
    }
  };
  const listeners = Array.from({ length: 6 }, (_, index) => {
    const listener = function (this: unknown, ...given: unknown[]): unknown {
      const self = this === emitter ? "emitter" : this;
      seen.push([index, self, given]);
      look();
      // Names are emitted from left to right, so that no emit is within one of the same name.
      const next = NAMES.findIndex((each) => each === current) + 1;
      if (index === 2 && next < NAMES.length) return emit(NAMES[next]!, [index, "nested"]);
      if (index === 3) emitter.on(current, () => seen.push("added during an emit"));
      if (index === 4) emitter.once(current, () => seen.push("added once during an emit"));
      return index;
    };
    return Object.defineProperty(listener, "name", { value: `listener ${index}` });
  });
  let current: string = NAMES[0];
  const emit = (each: string, given: readonly unknown[]): boolean => {
    const outer = current;
    current = each;
    const heard = emitter.emit(each, ...given);
    current = outer;
    return heard;
  };
  for (const one of calls) {
    const target = one.name === undefined ? undefined : NAMES[one.name]!;
    // One call of a once listener spends all those of the same function in eventemitter3.
    const isTwice = one.do === "add" && emitter.listeners(target!).includes(listeners[one.fn]!);
    if (isTwice && one.how === "once") continue;
    if (one.do === "add") {
      const about = one.context === undefined ? undefined : CONTEXTS[one.context];
      const given = about === undefined ? [] : [about];
      seen.push(emitter[one.how](target!, listeners[one.fn]!, ...given) === emitter);
    } else if (one.do === "remove") {
      const listener = one.fn === undefined ? undefined : listeners[one.fn];
      const about = one.context === undefined ? undefined : CONTEXTS[one.context];
      seen.push(emitter[one.how](target!, listener, about, one.once) === emitter);
    } else if (one.do === "removeAll") {
      const given: [string?] = target === undefined ? [] : [target];
      seen.push(emitter.removeAllListeners(...given) === emitter);
    } else seen.push(emit(target!, one.args));
    look();
  }
  return seen;
}

it("an emitter of a bus does what eventemitter3 does, called in the same way, but for what is documented", () => {
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 25 }), (calls) => {
      const facade = run(toEventEmitter(createEventBus({ leakWarning: 0 })), calls);
      expect(facade).toEqual(run(new EventEmitter(), calls));
    }),
    { numRuns: 500 },
  );
});
