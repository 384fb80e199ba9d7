import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createEventBus, type Delivery, EventBusError, HandlerError } from "../src/index.ts";

interface CodedWarning extends Error {
  code?: string;
  detail?: string;
}

const warnings: CodedWarning[] = [];
/** Collects the warnings that a test provokes, in place of printing them. */
const printers = process.listeners("warning");
beforeEach(() => {
  warnings.length = 0;
  process.removeAllListeners("warning");
  process.on("warning", (warning: CodedWarning) => {
    if (warning.code === "RINGRIFT_HANDLER_ERROR") warnings.push(warning);
  });
});
afterEach(() => {
  process.removeAllListeners("warning");
  for (const printer of printers) process.on("warning", printer);
});

describe("a handler's failure", () => {
  it("stops no other handler and rejects no publish, thrown or rejected", async () => {
    const bus = createEventBus({ onError: () => {} });
    const ran: string[] = [];
    bus.subscribe("a", () => {
      throw new Error("thrown");
    });
    bus.subscribe("a", () => Promise.reject(new Error("rejected")));
    bus.subscribe("a", () => ran.push("third"));
    const { errors, delivered } = await bus.publish("a");
    expect(errors.map((error) => (error.cause as Error).message)).toEqual(["thrown", "rejected"]);
    expect(delivered).toBe(1);
    expect(ran).toEqual(["third"]);
  });

  it("reaches onError as a coded error with its event, subscription and cause", async () => {
    const failures: HandlerError[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error) });
    const cause = new Error("no disk");
    const subscription = bus.subscribe("a.*", () => Promise.reject(cause), { name: "writer" });
    const { event, errors } = await bus.publish("a.b");
    expect(failures).toEqual(errors);
    const failure = failures[0]!;
    expect(failure).toBeInstanceOf(HandlerError);
    expect(failure).toBeInstanceOf(EventBusError);
    expect(failure.code).toBe("HANDLER_FAILED");
    expect(failure.event).toBe(event);
    expect(failure.subscription).toBe(subscription);
    expect(failure.cause).toBe(cause);
    expect(failure.message).toBe(
      'Handler "writer" of "a.*" failed on an event "a.b": Error: no disk',
    );
  });

  it("keeps as its cause what isn't an Error", async () => {
    const bus = createEventBus({ onError: () => {} });
    bus.subscribe("a", () => {
      throw undefined;
    });
    bus.subscribe("a", () => Promise.reject("text"));
    bus.subscribe("a", () => {
      throw {
        toString() {
          throw new Error("hostile");
        },
      };
    });
    const { errors } = await bus.publish("a");
    expect(errors).toHaveLength(3);
    expect(errors[0]!.cause).toBeUndefined();
    expect(errors[1]!.cause).toBe("text");
  });

  it("leaves the handler subscribed", async () => {
    const bus = createEventBus({ onError: () => {} });
    let calls = 0;
    bus.subscribe("a", () => {
      calls += 1;
      throw new Error("again");
    });
    await bus.publish("a");
    await bus.publish("a");
    expect(calls).toBe(2);
  });

  it("is a process warning where there is no onError, and never an unhandled rejection", async () => {
    const unhandled = vi.fn<(cause: unknown) => void>();
    process.on("unhandledRejection", unhandled);
    const bus = createEventBus();
    bus.subscribe("a", () => Promise.reject(new Error("async")));
    bus.subscribe("a", () => {
      throw new Error("sync");
    });
    bus.publishSync("a");
    await bus.publish("a");
    await vi.waitFor(() => expect(warnings).toHaveLength(4));
    process.off("unhandledRejection", unhandled);
    expect(warnings[0]!.message).toContain('of "a" failed on an event "a": Error: sync');
    expect(warnings[0]!.detail).toContain("failures.test.ts");
    expect(unhandled).not.toHaveBeenCalled();
  });

  it("is no warning when the publisher asked for the rejection", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => Promise.reject(new Error("mine")));
    await expect(bus.publish("a", 1, { onFailure: "throw" })).rejects.toThrow("1 of the handlers");
    bus.subscribe("b", () => Promise.reject(new Error("nobody's")));
    await bus.publish("b");
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]!.message).toContain("nobody's");
  });
});

describe("an onError that fails", () => {
  it.each([
    [
      "throws",
      () => {
        throw new Error("reporter down");
      },
    ],
    ["rejects", () => Promise.reject(new Error("reporter down"))],
  ])("and %s becomes a warning, and delivery goes on", async (_, onError) => {
    const bus = createEventBus({ onError });
    let reached = false;
    bus.subscribe("a", () => {
      throw new Error("handler down");
    });
    bus.subscribe("a", () => {
      reached = true;
    });
    const { delivered } = await bus.publish("a");
    expect([delivered, reached]).toEqual([1, true]);
    await vi.waitFor(() => expect(warnings).toHaveLength(1));
    expect(warnings[0]!.message).toMatch(/reporter down.*handler down/);
  });
});

describe("what a handler returns", () => {
  it("is awaited if it is thenable, whatever the function's kind", async () => {
    const bus = createEventBus();
    const done: string[] = [];
    const foreign = {
      then(resolve: (value: unknown) => void) {
        setTimeout(() => {
          done.push("foreign");
          resolve(1);
        }, 3);
      },
    };
    const later = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 3));
      done.push("bound");
    };
    bus.subscribe("a", () => foreign);
    bus.subscribe("a", later.bind(undefined));
    bus.subscribe("a", new Proxy(later, {}));
    const { delivered } = await bus.publish("a");
    expect(done).toEqual(["foreign", "bound", "bound"]);
    expect(delivered).toBe(3);
  });

  it("is ignored if it isn't", async () => {
    const bus = createEventBus();
    bus.subscribe("a", () => ({ then: "not a function" }));
    bus.subscribe("a", () => null);
    bus.subscribe("a", () => () => {});
    expect((await bus.publish("a")).delivered).toBe(3);
  });

  it("is a failure if its then cannot be read, or throws, or rejects", async () => {
    const bus = createEventBus({ onError: () => {} });
    bus.subscribe("a", () => ({
      get then(): never {
        throw new Error("getter");
      },
    }));
    bus.subscribe("a", () => ({
      then() {
        throw new Error("call");
      },
    }));
    bus.subscribe("a", () => ({
      then(_resolve: unknown, reject: (cause: unknown) => void) {
        reject(new Error("foreign"));
      },
    }));
    bus.subscribe("a", () => {});
    const causes = ({ errors }: Delivery): string[] =>
      errors.map((error) => (error.cause as Error).message);
    const delivery = await bus.publish("a");
    expect(causes(delivery)).toEqual(["getter", "call", "foreign"]);
    expect(delivery.delivered).toBe(1);
  });

  it("is a reported failure of publishSync too, when its then cannot be read", () => {
    const failures: unknown[] = [];
    const bus = createEventBus({ onError: (error) => failures.push(error.cause) });
    bus.subscribe("a", () => ({
      get then(): never {
        throw new Error("getter");
      },
    }));
    bus.publishSync("a");
    expect(failures).toEqual([new Error("getter")]);
  });
});
