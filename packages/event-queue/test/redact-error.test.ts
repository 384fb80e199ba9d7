import { expect, test, vi } from "vitest";
import {
  type ErrorData,
  MemoryEventQueue,
  PermanentError,
  type RedactError,
} from "../src/index.ts";

/** What is kept of something that a handler threw. */
async function kept(thrown: unknown, redactError?: RedactError): Promise<ErrorData | undefined> {
  await using queue = new MemoryEventQueue({ redactError, onDeadLetter: () => {} });
  const consumer = queue.consume({ group: "g", maxAttempts: 1, onError: () => {} }, () => {
    throw thrown;
  });
  await queue.send("A", {});
  await vi.waitFor(async () => expect((await queue.stats()).deadLetters).toBe(1));
  await consumer.stop();
  const [letter] = await queue.deadLetters.list();
  // The history tells the same.
  expect(letter?.history[0]?.message).toBe(letter?.error.message);
  return letter?.error;
}

const secret = new Error("SECRET", { cause: new Error("SECRET") });

test("by default nothing is kept of causes but what they are, and nothing of what is no error", async () => {
  const refused = Object.assign(new Error("postgres://u:SECRET@db/x"), { code: "ECONNREFUSED" });
  const error = await kept(new TypeError("no connection", { cause: refused }));
  expect(error).toMatchObject({
    name: "TypeError",
    message: "no connection",
    stack: expect.stringContaining("redact-error.test"),
    cause: { name: "Error", code: "ECONNREFUSED", message: expect.stringContaining("redactError") },
  });
  expect(JSON.stringify(error)).not.toContain("SECRET");
  const request = { url: "https://api/x?token=SECRET", headers: { authorization: "SECRET" } };
  for (const thrown of [{ status: 500, request }, [request], () => request]) {
    expect(JSON.stringify(await kept(thrown))).not.toContain("SECRET");
  }
  expect(await kept("no such host")).toMatchObject({ message: "no such host" });
  expect(await kept(404)).toMatchObject({ message: "404" });
  expect(await kept(null)).toMatchObject({ message: "null" });
});

test("redactError gets everything, and says what is kept", async () => {
  expect(await kept(secret, (error) => error)).toMatchObject({ cause: { message: "SECRET" } });
  const seen: ErrorData[] = [];
  const error = await kept(secret, (full) => {
    seen.push(full);
    return { name: full.name, message: full.message.replace("SECRET", "***") };
  });
  expect(error).toEqual({ name: "Error", message: "***" });
  expect(seen).toMatchObject([{ message: "SECRET", cause: { message: "SECRET" } }]);
});

test("a permanent error stays one, whatever is kept of it", async () => {
  await using queue = new MemoryEventQueue({
    redactError: () => ({ name: "Error", message: "gone" }),
    onDeadLetter: () => {},
  });
  await queue.send("A", {});
  const [event] = await queue.group("g", { maxAttempts: 10 }).receive();
  await event?.nack({ reason: new PermanentError("no") });
  expect(await queue.deadLetters.list()).toMatchObject([
    { attempts: 1, error: { message: "gone", code: "PERMANENT" } },
  ]);
});

test("a redactError that throws keeps nothing, and is told of", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const error = await kept(secret, () => {
    throw new Error("redacting failed");
  });
  expect(JSON.stringify(error)).not.toContain("SECRET");
  expect(String(warn.mock.calls[0]?.[0])).toContain("redacting failed");
  warn.mockRestore();
});

test("a redactError that is no function is refused", () => {
  expect(() => new MemoryEventQueue({ redactError: "yes" as never })).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION" }),
  );
});
