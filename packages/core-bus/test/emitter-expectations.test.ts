import { EventEmitter } from "eventemitter3";
import { describe, expect, it } from "vitest";
import { createEventBus, toEventEmitter } from "../src/index.ts";

/** What code written for eventemitter3 relies on: the same suite for it and for the emitter of a bus. */
describe.each([
  { name: "eventemitter3", make: (): EventEmitter => new EventEmitter() },
  {
    name: "toEventEmitter",
    make: (): EventEmitter => toEventEmitter(createEventBus()),
  },
])("an emitter ($name)", ({ make }) => {
  describe("is", () => {
    it("an instance of eventemitter3's class", () => {
      expect(make()).toBeInstanceOf(EventEmitter);
    });

    it("independent of other emitters", () => {
      const one = make();
      const heard: string[] = [];
      one.on("a", () => heard.push("one"));
      make().emit("a");
      expect(heard).toEqual([]);
    });
  });

  describe("emit", () => {
    it("says whether anybody listens", () => {
      const emitter = make();
      expect(emitter.emit("a")).toBe(false);
      emitter.on("a", () => {});
      expect(emitter.emit("a")).toBe(true);
      expect(emitter.emit("b")).toBe(false);
    });

    it("has called all listeners when it returns, in the order in which they were added", () => {
      const emitter = make();
      const heard: number[] = [];
      for (let n = 0; n < 5; n += 1) emitter.on("a", () => heard.push(n));
      emitter.emit("a");
      expect(heard).toEqual([0, 1, 2, 3, 4]);
    });

    it.each([0, 1, 2, 3, 4, 5, 6, 10])("passes %i arguments on as they are", (count) => {
      const emitter = make();
      const given = Array.from({ length: count }, (_, n) => ({ n }));
      const heard: unknown[][] = [];
      emitter.on("a", (...args: unknown[]) => heard.push(args));
      emitter.on("a", (...args: unknown[]) => heard.push(args));
      emitter.emit("a", ...given);
      expect(heard).toEqual([given, given]);
      expect(heard[0]?.every((value, n) => value === given[n])).toBe(true);
    });

    it.each([[[null]], [[[1, 2]]], [[undefined, 2]], [[0, undefined]], [[""]]])(
      "keeps the arguments %j apart from others",
      (given) => {
        const emitter = make();
        const heard: unknown[][] = [];
        emitter.on("a", (...args: unknown[]) => heard.push(args));
        emitter.emit("a", ...given);
        expect(heard).toStrictEqual([given]);
      },
    );

    it("nests: an event emitted by a listener is heard before the listener ends", () => {
      const emitter = make();
      const heard: string[] = [];
      emitter.on("outer", () => {
        emitter.emit("inner");
        heard.push("outer");
      });
      emitter.on("inner", () => heard.push("inner"));
      emitter.emit("outer");
      expect(heard).toEqual(["inner", "outer"]);
    });

    it.each(["constructor", "__proto__", "toString", "hasOwnProperty"])(
      "has no listeners for %s unless they were added",
      (name) => {
        const emitter = make();
        const heard: unknown[] = [];
        expect(emitter.emit(name, 1)).toBe(false);
        emitter.on(name, (value: unknown) => heard.push(value));
        expect(emitter.emit(name, 2)).toBe(true);
        expect(heard).toEqual([2]);
        expect(emitter.eventNames()).toEqual([name]);
      },
    );

    it("has no special event: error without a listener is nothing", () => {
      expect(make().emit("error", new Error("ignored"))).toBe(false);
    });
  });

  describe("a listener", () => {
    it("is called with the emitter as this, or with its context", () => {
      const emitter = make();
      const contexts: unknown[] = [];
      const context = { name: "mine" };
      const listener = function (this: unknown): void {
        contexts.push(this);
      };
      emitter.on("a", listener);
      emitter.on("a", listener, context);
      emitter.once("a", listener, context);
      emitter.emit("a");
      expect(contexts).toEqual([emitter, context, context]);
      expect(contexts[0]).toBe(emitter);
      expect(contexts[2]).toBe(context);
    });

    it("that was added twice is called twice", () => {
      const emitter = make();
      let calls = 0;
      const listener = (): void => void (calls += 1);
      emitter.on("a", listener).on("a", listener);
      emitter.emit("a");
      expect(calls).toBe(2);
      expect(emitter.listeners("a")).toEqual([listener, listener]);
    });

    it("added during an emit isn't called for it", () => {
      const emitter = make();
      const heard: string[] = [];
      emitter.on("a", () => {
        heard.push("first");
        emitter.once("a", () => heard.push("late"));
      });
      emitter.on("a", () => heard.push("second"));
      emitter.emit("a");
      expect(heard).toEqual(["first", "second"]);
    });

    it("may remove itself, and the others are called", () => {
      const emitter = make();
      const heard: string[] = [];
      const self = (): void => {
        heard.push("self");
        emitter.off("a", self);
      };
      emitter.on("a", self).on("a", () => heard.push("other"));
      emitter.emit("a");
      emitter.emit("a");
      expect(heard).toEqual(["self", "other", "other"]);
    });

    it("has to be a function", () => {
      const emitter = make();
      for (const add of ["on", "once", "addListener"] as const) {
        for (const fn of ["no function", undefined, null, {}]) {
          expect(() => emitter[add]("a", fn as never)).toThrow(TypeError);
          expect(() => emitter[add]("a", fn as never)).toThrow(/^The listener must be a function$/);
        }
      }
      expect(emitter.eventNames()).toEqual([]);
    });
  });

  describe("once", () => {
    it("is called once, and gone when it is called", () => {
      const emitter = make();
      const left: number[] = [];
      emitter.once("a", () => left.push(emitter.listenerCount("a")));
      expect(emitter.emit("a")).toBe(true);
      expect(emitter.emit("a")).toBe(false);
      expect(left).toEqual([0]);
      expect(emitter.eventNames()).toEqual([]);
    });

    it("is called once when it emits its own event", () => {
      const emitter = make();
      let calls = 0;
      emitter.once("a", () => {
        calls += 1;
        emitter.emit("a");
      });
      emitter.emit("a");
      expect(calls).toBe(1);
    });

    it("with the same listener twice is twice in one emit", () => {
      const emitter = make();
      let calls = 0;
      const listener = (): void => void (calls += 1);
      emitter.once("a", listener).once("a", listener);
      emitter.emit("a");
      emitter.emit("a");
      expect(calls).toBe(2);
    });

    it("leaves the lasting listeners, of the same function too", () => {
      const emitter = make();
      let calls = 0;
      const listener = (): void => void (calls += 1);
      emitter.on("a", listener).once("a", listener).on("a", listener);
      emitter.emit("a");
      expect(calls).toBe(3);
      expect(emitter.listenerCount("a")).toBe(2);
    });

    it("can be removed before it is called", () => {
      const emitter = make();
      const listener = (): void => {
        throw new Error("it was removed");
      };
      emitter.once("a", listener).off("a", listener);
      expect(emitter.emit("a")).toBe(false);
    });
  });

  describe.each(["off", "removeListener"] as const)("%s", (remove) => {
    const one = (): void => {};
    const two = (): void => {};
    const context = { name: "mine" };

    it("removes a listener wherever it was added to the event", () => {
      const emitter = make().on("a", one).on("a", two).once("a", one).on("b", one);
      emitter[remove]("a", one);
      expect(emitter.listeners("a")).toEqual([two]);
      expect(emitter.listeners("b")).toEqual([one]);
    });

    it("without a listener removes all of the event", () => {
      const emitter = make().on("a", one).on("a", two).on("b", one);
      emitter[remove]("a");
      expect(emitter.eventNames()).toEqual(["b"]);
    });

    it("with a context removes only what has it; the emitter is the default one", () => {
      const emitter = make().on("a", one).on("a", one, context);
      emitter[remove]("a", one, { name: "another" });
      expect(emitter.listenerCount("a")).toBe(2);
      emitter[remove]("a", one, context);
      expect(emitter.listenerCount("a")).toBe(1);
      emitter[remove]("a", one, emitter);
      expect(emitter.listenerCount("a")).toBe(0);
    });

    it("with the once flag removes only one-time listeners", () => {
      const emitter = make().on("a", one).once("a", one);
      emitter[remove]("a", one, undefined, true);
      expect(emitter.listenerCount("a")).toBe(1);
      let calls = 0;
      emitter.on("b", () => void (calls += 1));
      emitter.emit("b");
      emitter.emit("b");
      expect(calls).toBe(2);
    });

    it("with context and flag wants both", () => {
      const emitter = make().once("a", one).once("a", one, context).on("a", one, context);
      emitter[remove]("a", one, context, true);
      expect(emitter.listenerCount("a")).toBe(2);
    });

    it("of what isn't there changes nothing and returns the emitter", () => {
      const emitter = make().on("a", one);
      expect(emitter[remove]("a", two)).toBe(emitter);
      expect(emitter[remove]("nothing", one)).toBe(emitter);
      expect(emitter.listeners("a")).toEqual([one]);
    });

    it("may be called again", () => {
      const emitter = make().on("a", one);
      emitter[remove]("a", one)[remove]("a", one);
      expect(emitter.eventNames()).toEqual([]);
    });
  });

  describe("removeAllListeners", () => {
    const fill = (emitter: EventEmitter): EventEmitter =>
      emitter
        .on("a", () => {})
        .once("a", () => {})
        .on("b", () => {});

    it("empties one event", () => {
      const emitter = fill(make());
      expect(emitter.removeAllListeners("a")).toBe(emitter);
      expect(emitter.eventNames()).toEqual(["b"]);
      expect(emitter.emit("a")).toBe(false);
      expect(emitter.emit("b")).toBe(true);
    });

    it("without a name empties all of them", () => {
      const emitter = fill(make());
      expect(emitter.removeAllListeners()).toBe(emitter);
      expect(emitter.eventNames()).toEqual([]);
      expect(emitter.emit("a")).toBe(false);
    });
  });

  describe("its views", () => {
    it("are empty on a fresh emitter, and for names that no event can have", () => {
      const emitter = make();
      expect(emitter.eventNames()).toEqual([]);
      expect(emitter.listeners("a")).toEqual([]);
      expect(emitter.listenerCount("a")).toBe(0);
      expect(emitter.listeners(Symbol("a"))).toEqual([]);
      expect(emitter.listenerCount("a:b")).toBe(0);
    });

    it("list names in the order of their first listener, and functions as they were given", () => {
      const emitter = make();
      const one = (): void => {};
      const two = (): void => {};
      emitter.on("b", one).once("a", two).on("b", two);
      expect(emitter.eventNames()).toEqual(["b", "a"]);
      expect(emitter.listeners("b")).toEqual([one, two]);
      expect(emitter.listenerCount("b")).toBe(2);
      expect(emitter.listeners("a")).toEqual([two]);
    });

    it("give copies: changing one changes no emitter", () => {
      const emitter = make().on("a", () => {});
      emitter.listeners("a").pop();
      emitter.eventNames().pop();
      expect(emitter.listenerCount("a")).toBe(1);
      expect(emitter.eventNames()).toEqual(["a"]);
    });
  });

  it("has one function under each pair of names", () => {
    const emitter = make();
    // oxlint-disable-next-line typescript/unbound-method -- they are compared, not called
    expect([emitter.addListener === emitter.on, emitter.off === emitter.removeListener]).toEqual([
      true,
      true,
    ]);
  });

  it("returns itself from what adds and removes", () => {
    const emitter = make();
    const listener = (): void => {};
    expect(emitter.on("a", listener)).toBe(emitter);
    expect(emitter.addListener("a", listener)).toBe(emitter);
    expect(emitter.once("a", listener)).toBe(emitter);
    expect(emitter.off("a", listener)).toBe(emitter);
    expect(emitter.removeListener("a", listener)).toBe(emitter);
    expect(emitter.removeAllListeners()).toBe(emitter);
  });
});
