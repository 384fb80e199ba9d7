import { expect, test, vi } from "vitest";
import { MemoryEventQueue } from "../src/index.ts";
import { DeadLetterNotices } from "../src/failures/dead-letter-notices.ts";

const HOSTILE = "\u001b[2J\u001b]0;pwn\u0007\nINFO forged\u202e";
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const RAW = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2028\u2029]/;

type Attempt = (queue: MemoryEventQueue) => unknown;
const attempts: readonly (readonly [string, Attempt])[] = [
  ["a type", (queue) => queue.send(`A${HOSTILE}`, {})],
  ["a type to receive", (queue) => queue.receive({ eventTypes: [`A${HOSTILE}`] })],
  ["the name of a group", async (queue) => queue.group(`g${HOSTILE}`)],
  ["the name of an option", (queue) => queue.send("A", {}, { [HOSTILE]: 1 } as object)],
  ["a key", (queue) => queue.send("A", {}, { key: `${HOSTILE}\ud800` })],
  ["the name of a header", (queue) => queue.send("A", {}, { headers: { [HOSTILE]: "1" } })],
  ["the field of a payload", (queue) => queue.send("A", { [HOSTILE]: 1n })],
  ["the name of a class", (queue) => queue.send("A", new (named(HOSTILE))())],
];

test.each(attempts)("no control character of %s reaches an error text", async (_, attempt) => {
  const queue = new MemoryEventQueue();
  const error: unknown = await Promise.resolve(attempt(queue)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "QueueError" });
  expect((error as Error).message).not.toMatch(RAW);
  await queue.close();
});

test("no control character of a failure reaches the warning of its dead letter", () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  const error = { name: "Error", message: HOSTILE };
  new DeadLetterNotices().tell({ group: "g", id: "1", type: "A", attempts: 1, error });
  const [text] = warn.mock.calls[0] ?? [];
  warn.mockRestore();
  expect(text).toContain("INFO forged");
  expect(text).not.toMatch(RAW);
});

function named(name: string): new () => object {
  class Game {}
  Object.defineProperty(Game, "name", { value: name });
  return Game;
}
