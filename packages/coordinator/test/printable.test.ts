import { afterEach, expect, test, vi } from "vitest";
import { CoordinatorError } from "../src/index.ts";
import { reporter } from "../src/host/report.ts";
import { UnknownTypes } from "../src/inbound/unknown-types.ts";
import { openLog, shop, startNode } from "./nodes.ts";

const HOSTILE = "\u001b[2J\nINFO forged\u202e";
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]|\nINFO/;

afterEach(() => vi.restoreAllMocks());

/** The texts of all warnings until the end of the test. */
function warnings(): string[] {
  const texts: string[] = [];
  vi.spyOn(process, "emitWarning").mockImplementation((text) => void texts.push(String(text)));
  return texts;
}

test("no control character of an error that nobody else is told of reaches its warning", () => {
  const texts = warnings();
  const report = reporter(undefined);
  report(new Error(HOSTILE));
  report(HOSTILE);
  report(Object.assign(new Error("x"), { stack: 5 }));
  expect(texts).toHaveLength(3);
  for (const text of texts) expect(text).not.toMatch(RAW);
  expect(texts[0]).toMatch(/^Error: .*INFO forged.*\n +at /);
});

test("no control character of a type that a newer peer sent reaches the warning of it", () => {
  const texts = warnings();
  new UnknownTypes(shop).warn(`A${HOSTILE}`);
  expect(texts).toEqual([expect.not.stringMatching(RAW)]);
});

test("no control character of a queue's error reaches the coordinator's health or its errors", async () => {
  const queue = openLog();
  const node = await startNode({ queue });
  vi.spyOn(queue, "health").mockResolvedValue({
    ok: false,
    backend: "memory",
    details: {},
    problems: [
      {
        code: "QUEUE_FAILED",
        severity: "error",
        subject: HOSTILE,
        message: HOSTILE,
        action: "",
      },
    ],
  });
  const { problems } = await node.health();
  expect(JSON.stringify(problems)).toContain("INFO forged");
  for (const { subject, message } of problems) expect(subject + message).not.toMatch(RAW);
  expect(new CoordinatorError("NOT_STORED", HOSTILE).message).not.toMatch(RAW);
});
