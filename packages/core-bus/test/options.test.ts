import { describe, expect, it } from "vitest";
import { createEventBus, type EventBusError } from "../src/index.ts";

function errorOf(act: () => unknown): Pick<EventBusError, "code" | "message"> {
  try {
    act();
  } catch (error) {
    return error as EventBusError;
  }
  throw new Error("It was accepted.");
}

describe("options", () => {
  const bus = createEventBus();
  const subscribe = (options: unknown) => () => bus.subscribe("a", () => {}, options as never);
  const create = (options: unknown) => () => createEventBus(options as never);

  it.each<[what: string, act: () => unknown, named: string]>([
    ["an owner that is a text", subscribe({ owner: "x" }), '"owner" is "x". Give an object'],
    ["a signal that is none", subscribe({ signal: {} }), '"signal"'],
    ["a predicate that is a number", subscribe({ where: 1 }), '"where" is "1". Give a function'],
    ["a name that is a number", subscribe({ name: 1 }), '"name" is "1"'],
    ["a flag that is a text", subscribe({ once: "yes" }), '"once" is "yes". Give true or false'],
    ["a tap that is a number", subscribe({ tap: 1 }), '"tap"'],
    ["a replay that is a text", subscribe({ replay: "all" }), '"replay"'],
    ["options that are none", subscribe(5), '"options" is "5". Give an object'],
    ["options that are null", subscribe(null), '"options"'],
    ["no history", create({ history: null }), '"history" is "null"'],
    ["an onError that is a number", create({ onError: 1 }), '"onError" is "1". Give a function'],
    ["an order that there is not", create({ delivery: "fast" }), '"delivery" is "fast"'],
    ["bus options that are a text", create("fast"), '"options" is "fast"'],
  ])("refuse %s, with what to give instead", (_what, act, named) => {
    expect(errorOf(act)).toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(named) as string,
    });
  });

  it.each<[what: string, act: () => unknown, known: string]>([
    ["createEventBus", create({ historySize: 1 }), "history"],
    ["subscribe", subscribe({ prio: 1 }), "priority"],
    ["once", () => bus.once("a", () => {}, { time: 1 } as never), "signal"],
    ["subscriber", () => bus.subscriber("a", { time: 1 } as never), "signal"],
    ["stream", () => bus.stream("a", { buffer: 1 } as never), "bufferSize"],
    ["publishSync", () => bus.publishSync("a", 1, { corelationId: "x" } as never), "correlationId"],
    ["a filter", () => bus.subscribe({ pattern: "a" } as never, () => {}), "topicPattern"],
    ["getHistory", () => bus.getHistory({ max: 1 } as never), "limit"],
    ["unsubscribe", () => bus.unsubscribe({ name: "x" } as never), "handler"],
    ["use", () => bus.use(() => {}, { pattern: "a" } as never), "topic"],
  ])("of %s that there are not are refused by name", (_what, act, known) => {
    const { code, message } = errorOf(act);
    expect(code).toBe("INVALID_OPTION");
    expect(message).toMatch(/^There is no option "\w+"\. The options are /);
    expect(message).toContain(known);
  });

  it("are checked where a promise is given, too", async () => {
    const refused = { code: "INVALID_OPTION" };
    await expect(bus.waitFor("a", { timeout: 1 } as never)).rejects.toMatchObject(refused);
    await expect(bus.waitFor("a", { where: 1 } as never)).rejects.toMatchObject(refused);
    await expect(bus.publish("a", 1, { priority: 1 } as never)).rejects.toMatchObject(refused);
    await expect(bus.publish({ topic: "a", data: 1 } as never)).rejects.toMatchObject(refused);
    await expect(bus.drain({ timeoutMs: "1" } as never)).rejects.toMatchObject(refused);
    await expect(bus.close({ timeout: 1 } as never)).rejects.toMatchObject(refused);
    await expect(bus.replay(() => {}, { limit: -1 } as never)).rejects.toMatchObject(refused);
  });

  it("may be undefined, which is not given", () => {
    const end = bus.subscribe("b", () => {}, {
      owner: undefined,
      once: undefined,
      name: undefined,
    });
    expect(end.name).toBe("anonymous");
    end();
  });

  it("that no text can be made of are refused as clearly", () => {
    const hostile = Object.create(null) as object;
    expect(errorOf(subscribe({ priority: hostile })).message).toContain('"priority" is "object"');
  });
});
