import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createEventBus, EventBusError, PayloadError } from "../src/index.ts";

describe("a schema", () => {
  it("of zod that throws refuses the payload with what it threw, in publishSync, too", () => {
    const cause = new Error("boom");
    const thrower = z.any().refine(() => {
      throw cause;
    });
    const bus = createEventBus({ schemas: { thrower, late: z.any().refine(async () => true) } });
    const { code, cause: told } = failureOf(() => bus.publishSync("thrower", 1));
    expect([code, told]).toEqual(["INVALID_PAYLOAD", cause]);
    expect(codeOf(() => bus.publishSync("late", 1))).toBe("ASYNC_SCHEMA");
    expect(bus.stats().invalid).toBe(1);
  });

  it.each([
    ["nothing", undefined],
    ["null", null],
    ["a text", "valid"],
    ["neither a value nor issues", {}],
    ["issues of which there are none", { issues: [] }],
    ["issues that are no list", { issues: "wrong" }],
  ])("that gives %s refuses the payload, and says that the schema failed", async (_, result) => {
    const bus = createEventBus({
      schemas: {
        now: schemaOf(() => result as never),
        later: schemaOf(async () => result as never),
      },
    });
    const told = { code: "INVALID_PAYLOAD", message: expect.stringContaining("its schema failed") };
    expect(failureOf(() => bus.publishSync("now", 1))).toMatchObject(told);
    await expect(bus.publish("later", 1)).rejects.toMatchObject(told);
  });

  it("may give issues that are not well formed: the error is still about the payload", () => {
    const issues = [null, {}, { message: 3, path: [null, Symbol("s")] }, { message: "m", path: 1 }];
    const bus = createEventBus({ schemas: { a: schemaOf(() => ({ issues })) } });
    expect(codeOf(() => bus.publishSync("a", 1))).toBe("INVALID_PAYLOAD");
  });
});

/** A schema of no library, as anybody may write one. */
function schemaOf(validate: (value: unknown) => unknown): StandardSchemaV1<unknown, unknown> {
  return { "~standard": { version: 1, vendor: "test", validate: validate as never } };
}

function failureOf(act: () => unknown): PayloadError {
  try {
    act();
  } catch (error) {
    if (error instanceof PayloadError) return error;
    throw error;
  }
  throw new Error("It didn't throw.");
}

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof EventBusError) return error.code;
    throw error;
  }
  return undefined;
}
