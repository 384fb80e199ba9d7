import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createEventBus, type EventBus } from "../src/index.ts";

interface CodedWarning extends Error {
  code?: string;
}

/** What a process would die of, and what it prints; both are looked at after each test. */
const deadly: unknown[] = [];
const warnings: string[] = [];
const printers = process.listeners("warning");
const onDeadly = (cause: unknown): void => void deadly.push(cause);
beforeEach(() => {
  deadly.length = 0;
  warnings.length = 0;
  process.on("unhandledRejection", onDeadly);
  process.on("uncaughtException", onDeadly);
  process.removeAllListeners("warning");
  process.on("warning", (warning: CodedWarning) => {
    if (warning.code === "RINGRIFT_HANDLER_ERROR") warnings.push(warning.message);
  });
});
afterEach(async () => {
  await settle();
  process.off("unhandledRejection", onDeadly);
  process.off("uncaughtException", onDeadly);
  process.removeAllListeners("warning");
  for (const printer of printers) process.on("warning", printer);
  expect(deadly).toEqual([]);
});

/** Long enough for rejections to be found unhandled, and for warnings to come. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}

async function warned(times: number): Promise<void> {
  await vi.waitFor(() => expect(warnings).toHaveLength(times), { interval: 1 });
}

function collecting(): { bus: EventBus; causes: unknown[] } {
  const causes: unknown[] = [];
  const bus = createEventBus({ onError: (error) => causes.push(error.cause) });
  return { bus, causes };
}

describe("a promise of another realm", () => {
  it("is awaited, by publish and by drain", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    const foreign = runInNewContext(
      "(wait, done) => (async () => { await wait(); done(); return 1; })",
      {},
    )(settle, () => seen.push("done"));
    expect(foreign()).not.toBeInstanceOf(Promise);
    await settle();
    seen.length = 0;
    bus.subscribe("a", foreign);
    expect((await bus.publish("a")).delivered).toBe(1);
    expect(seen).toEqual(["done"]);
    bus.publishSync("a");
    await bus.drain();
    expect(seen).toEqual(["done", "done"]);
  });

  it("that rejects is a handler's failure, its Error of that realm the cause", async () => {
    const { bus, causes } = collecting();
    bus.subscribe("a", runInNewContext("async () => { throw new Error('elsewhere'); }", {}));
    const { errors } = await bus.publish("a");
    bus.publishSync("a");
    await bus.drain();
    expect(causes).toHaveLength(2);
    expect(errors[0]!.cause).not.toBeInstanceOf(Error);
    expect(errors[0]!.message).toContain("Error: elsewhere");
  });

  it("that is already rejected doesn't end the process, though publishSync awaits nothing", async () => {
    const { bus, causes } = collecting();
    bus.subscribe("a", runInNewContext("() => Promise.reject('elsewhere')", {}));
    bus.publishSync("a");
    await settle();
    expect(causes).toEqual(["elsewhere"]);
  });
});

describe("a thenable", () => {
  type Settle = (value?: unknown) => void;
  const thenable = (then: (resolve: Settle, reject: Settle) => void): object => ({ then });

  it("that resolves twice, or rejects and throws after it resolved, counts once", async () => {
    const { bus, causes } = collecting();
    bus.subscribe("a", () =>
      thenable((resolve) => {
        resolve(1);
        resolve(2);
      }),
    );
    bus.subscribe("a", () =>
      thenable((resolve, reject) => {
        resolve(1);
        reject(new Error("too late"));
        throw new Error("later still");
      }),
    );
    expect(await bus.publish("a")).toMatchObject({ delivered: 2, errors: [] });
    expect(bus.publishSync("a")).toBe(2);
    await bus.drain();
    expect(bus.stats()).toMatchObject({ delivered: 4, failed: 0, pending: 0 });
    expect(causes).toEqual([]);
  });

  it("that rejects twice fails once", async () => {
    const { bus, causes } = collecting();
    bus.subscribe("a", () =>
      thenable((_, reject) => {
        reject("first");
        reject("second");
      }),
    );
    await bus.publish("a");
    bus.publishSync("a");
    await bus.drain();
    expect(causes).toEqual(["first", "first"]);
  });

  it("that never settles holds its own publish up and nothing else", async () => {
    const bus = createEventBus({ delivery: "parallel" });
    const seen: number[] = [];
    bus.subscribe("a", (event) => (event.payload === 1 ? thenable(() => {}) : undefined));
    bus.subscribe("a", (event) => seen.push(event.payload));
    void bus.publish("a", 1);
    await bus.publish("a", 2);
    expect(seen).toEqual([1, 2]);
    expect(await bus.drain({ timeoutMs: 1 })).toEqual({ drained: false, left: 1 });
    expect(await bus.close({ timeoutMs: 1 })).toEqual({ drained: false, left: 1 });
  });

  it("has its then read once and called once, with itself as this", async () => {
    const bus = createEventBus();
    let reads = 0;
    const calls: unknown[] = [];
    const value = {
      get then() {
        reads += 1;
        return function (this: unknown, resolve: Settle): void {
          calls.push(this);
          resolve();
        };
      },
    };
    bus.subscribe("a", () => value);
    await bus.publish("a");
    expect(reads).toBe(1);
    expect(calls).toEqual([value]);
  });

  it("that is a function is awaited as well", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    const value = Object.assign(() => {}, {
      then: (resolve: Settle) =>
        setTimeout(() => {
          seen.push("settled");
          resolve();
        }, 0),
    });
    bus.subscribe("a", () => value);
    await bus.publish("a");
    expect(seen).toEqual(["settled"]);
  });

  it("with a then that cannot be read stops nobody, in parallel delivery too", async () => {
    const causes: unknown[] = [];
    const bus = createEventBus({
      delivery: "parallel",
      onError: (error) => causes.push(error.cause),
    });
    bus.subscribe("a", () => Proxy.revocable({}, {}).proxy);
    bus.subscribe("a", () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    });
    bus.subscribe("a", () => ({
      get then(): never {
        throw new Error("getter");
      },
    }));
    bus.subscribe("a", () => {});
    expect(await bus.publish("a")).toMatchObject({ delivered: 2 });
    expect(causes).toEqual([expect.any(TypeError), new Error("getter")]);
  });
});

describe("what a handler throws", () => {
  const revoked = (): object => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  };
  const hostile: [string, () => unknown][] = [
    ["nothing", () => undefined],
    ["null", () => null],
    ["a number", () => 0],
    ["a symbol", () => Symbol("cause")],
    ["an object without a prototype", () => Object.create(null)],
    ["a revoked proxy", revoked],
    [
      "an Error whose message cannot be read",
      () =>
        Object.defineProperty(new Error("x"), "message", {
          get() {
            throw new Error("hostile");
          },
        }),
    ],
    [
      "an Error whose stack cannot be read",
      () =>
        Object.defineProperty(new Error("x"), "stack", {
          get() {
            throw new Error("hostile");
          },
        }),
    ],
  ];

  it.each(hostile)("reaches onError untouched when it is %s", async (_, make) => {
    const cause = make();
    const { bus, causes } = collecting();
    const seen: string[] = [];
    bus.subscribe("a", () => {
      throw cause;
    });
    bus.subscribe("a", () => Promise.reject(cause));
    bus.subscribe("a", () => seen.push("next"));
    expect(bus.publishSync("a")).toBe(3);
    await bus.drain();
    await bus.publish("a");
    expect(causes).toHaveLength(4);
    expect(causes.every((one) => Object.is(one, cause))).toBe(true);
    expect(seen).toEqual(["next", "next"]);
  });

  it.each(hostile)(
    "is a warning without an onError, and stops nobody, when it is %s",
    async (_, make) => {
      const bus = createEventBus();
      const seen: string[] = [];
      bus.subscribe("a", () => {
        throw make();
      });
      bus.subscribe("a", () => Promise.reject(make()));
      bus.subscribe("a", () => seen.push("next"));
      expect(bus.publishSync("a")).toBe(3);
      await bus.drain();
      expect(await bus.publish("a")).toMatchObject({ delivered: 1 });
      expect(seen).toEqual(["next", "next"]);
      await warned(4);
    },
  );

  it.each(hostile)("disturbs nobody when it is %s and onError throws it again", async (_, make) => {
    const bus = createEventBus({
      onError: (error) => {
        throw error.cause;
      },
    });
    const seen: string[] = [];
    bus.subscribe("a", () => {
      throw make();
    });
    bus.subscribe("a", () => seen.push("next"));
    expect(bus.publishSync("a")).toBe(2);
    expect(await bus.publish("a")).toMatchObject({ delivered: 1 });
    expect(seen).toEqual(["next", "next"]);
    await warned(2);
  });

  it.each(hostile)("disturbs nobody when it is %s and onError rejects with it", async (_, make) => {
    const bus = createEventBus({ onError: (error) => Promise.reject(error.cause) });
    bus.subscribe("a", () => {
      throw make();
    });
    bus.publishSync("a");
    await warned(1);
    expect(warnings[0]).toContain("onError itself failed");
  });

  it.each(hostile)(
    "disturbs nobody when it is %s, of a listener of the bus's signals",
    async (_, make) => {
      const { bus } = collecting();
      const seen: string[] = [];
      bus.signals.on("subscribed", () => {
        throw make();
      });
      bus.subscribe("a", () => seen.push("called"));
      bus.publishSync("a");
      expect(seen).toEqual(["called"]);
      await warned(1);
    },
  );
});

describe("an onError", () => {
  it("that publishes to the topic that fails is stopped by maxDepth, not by the stack", async () => {
    let reports = 0;
    const bus: EventBus = createEventBus({
      maxDepth: 10,
      onError: (error) => {
        reports += 1;
        bus.publishSync(error.event.topic);
      },
    });
    bus.subscribe("a", () => {
      throw new Error("always");
    });
    expect(bus.publishSync("a")).toBe(1);
    expect(reports).toBe(10);
    await warned(1);
    expect(warnings[0]).toContain("nest more than 10");
  });

  it("that ends the failing subscription ends it", async () => {
    let calls = 0;
    const bus = createEventBus({ onError: (error) => error.subscription() });
    bus.subscribe("a", () => {
      calls += 1;
      throw new Error("always");
    });
    await bus.publish("a");
    await bus.publish("a");
    expect(calls).toBe(1);
  });

  it("of one bus hears nothing of another", async () => {
    const one = collecting();
    const two = collecting();
    two.bus.subscribe("a", () => Promise.reject("two"));
    one.bus.subscribe("a", () => two.bus.publish("a"));
    await one.bus.publish("a");
    expect([one.causes, two.causes]).toEqual([[], ["two"]]);
  });
});

describe("a request of the worst will", () => {
  it("makes publish reject, never throw, and leaves no trace", async () => {
    const bus = createEventBus();
    bus.subscribe("**", () => {});
    const getter = {
      topic: "a",
      get metadata(): never {
        throw new Error("getter");
      },
    };
    for (const request of [null, undefined, 1, [], {}, { topic: 1 }, getter, () => {}]) {
      const publish = bus.publish(request as never);
      await expect(publish).rejects.toBeInstanceOf(Error);
    }
    expect(bus.getHistory()).toEqual([]);
    expect(bus.stats()).toMatchObject({ published: 0, delivered: 0, pending: 0 });
  });
});
