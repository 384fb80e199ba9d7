import { afterEach, expect, test, vi } from "vitest";
import { type Consumer, MemoryEventQueue, MemoryLog } from "../src/index.ts";

afterEach(() => void vi.restoreAllMocks());

function warningsOf(run: () => unknown): string[] {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  run();
  return warn.mock.calls.map(([text, options]) => `${JSON.stringify(options)} ${String(text)}`);
}

test("a duration of a reasonable length is not warned of", async () => {
  const queue = new MemoryEventQueue();
  let consumer: Consumer | undefined;
  const warnings = warningsOf(() => {
    queue.group("mailer", { leaseMs: 30_000, backoff: { initialMs: 1 } });
    consumer = queue.consume({ group: "mailer", handlerTimeoutMs: 100 }, () => undefined);
    new MemoryLog({ retentionMs: 86_400_000, dedupeWindowMs: 0 });
  });
  expect(warnings).toEqual([]);
  await consumer?.stop();
});

test("one that looks like seconds is warned of, once an option", () => {
  const queue = new MemoryEventQueue();
  const warnings = warningsOf(() => {
    queue.group("mailer", { leaseMs: 30 });
    queue.group("ledger", { leaseMs: 60 });
    queue.group("archive", { expireAfterMs: 3600 });
    new MemoryLog({ retentionMs: 24 });
  });
  expect(warnings).toEqual([
    expect.stringMatching(/RINGRIFT_SHORT_DURATION.*"leaseMs" is 30 milliseconds.*30_000/),
    expect.stringMatching(/RINGRIFT_SHORT_DURATION.*"expireAfterMs" is 3600 milliseconds/),
    expect.stringMatching(/RINGRIFT_SHORT_DURATION.*"retentionMs" is 24 milliseconds/),
  ]);
});
