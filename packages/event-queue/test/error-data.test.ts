import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePayload, encodePayload, isPermanent, toErrorData } from "../src/backend.ts";
import { PermanentError, QueueError } from "../src/index.ts";

describe("errors as data", () => {
  test("an error keeps its name, message, code, stack and cause", () => {
    const error = new QueueError("QUEUE_BUSY", "busy", { cause: new TypeError("x") });
    const data = toErrorData(error);
    expect(data).toMatchObject({
      name: "QueueError",
      code: "QUEUE_BUSY",
      message: "busy",
      cause: { name: "TypeError", message: "x" },
    });
    expect(data.stack).toContain("error-data.test");
  });

  test("what is no error is described", () => {
    expect(toErrorData("no").message).toBe("no");
    expect(toErrorData(undefined).message).toBe("No reason was given.");
    expect(toErrorData(404).message).toBe("404");
    expect(toErrorData({ status: 404 }).message).toContain("404");
  });

  test("at most four causes are kept, so that a cycle of causes ends", () => {
    const error = new Error("loop");
    error.cause = error;
    let depth = 0;
    for (let data = toErrorData(error).cause; data !== undefined; data = data.cause) depth += 1;
    expect(depth).toBe(4);
  });

  test("texts are cut", () => {
    const data = toErrorData(new Error("x".repeat(100_000)));
    expect(data.message).toHaveLength(2_000);
    expect(data.stack?.length).toBeLessThanOrEqual(8_000);
  });

  test("whatever is thrown becomes data that a queue can store", () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const data = toErrorData(thrown);
        expect(decodePayload(encodePayload(data))).toEqual(data);
      }),
    );
  });

  test("an error whose getters throw is data too", () => {
    const error = Object.defineProperty(new Error("x"), "code", {
      get() {
        throw new Error("trap");
      },
    });
    expect(toErrorData(error).message).toBe("An error that could not be read.");
  });

  test("permanent is who says so", () => {
    expect(isPermanent(new PermanentError("no"))).toBe(true);
    expect(isPermanent({ code: "PERMANENT" })).toBe(true);
    expect(isPermanent(new Error("no"))).toBe(false);
    expect(isPermanent("PERMANENT")).toBe(false);
    expect(isPermanent(null)).toBe(false);
  });
});
