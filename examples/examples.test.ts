import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import { listExampleFiles, listExamples } from "./harness/list.ts";
import { type FinishedExample, openQueueOf, runExample } from "./harness/run-example.ts";
import { startExample } from "./harness/start.ts";

/** Runs an example and checks what every one of them owes: it ends well, and complains of nothing. */
async function run(name: string): Promise<FinishedExample> {
  const finished = await runExample(name);
  expect({ code: finished.code, stderr: finished.stderr }).toEqual({ code: 0, stderr: "" });
  return finished;
}

/** The lines of one process among those that several wrote. */
function linesOf(finished: FinishedExample, process: string): readonly string[] {
  return finished.lines.filter((line) => line.startsWith(`${process}: `));
}

describe("every example does what it says", () => {
  it("bus-alone: handlers run by priority, a failure stops nobody, a trail is kept", async () => {
    const failure =
      'reported: Handler "anonymous" of "order.placed" failed on an event "order.placed": Error: the printer is out of paper';
    const { lines } = await run("bus-alone");
    expect(lines).toEqual([
      "audit order.placed",
      "ship A-1",
      failure,
      "big order: 25000",
      "delivered 3 failed 1",
      "audit order.placed",
      "ship A-2",
      failure,
      "audit order.paid",
      "same trail: true",
      "history: [ 'order.paid', 'order.placed', 'order.placed' ]",
    ]);
  });

  it("emitter-facade: both sides hear each other, and the history has what either published", async () => {
    const failure =
      'reported: Handler "sendMail" of "order.placed" failed on an event "order.placed": Error: the mail server does not answer';
    const { lines } = await run("emitter-facade");
    expect(lines).toEqual([
      "first order: A-1",
      failure,
      "ship A-1",
      "audit order.placed",
      "heard: true",
      failure,
      "ship A-2",
      "audit order.placed",
      "paid A-1",
      "history: order.paid A-1, order.placed A-2, order.placed A-1",
    ]);
  });

  it("schemas: a valid payload is delivered with its defaults, an invalid one refused", async () => {
    const { lines } = await run("schemas");
    expect(lines).toEqual([
      "A-1: 19.99 EUR",
      '2 issues. Payload of "order.placed" is invalid: "id": an order number looks like A-17; "cents": Invalid input: expected int, received number. Publish what the topic\'s schema accepts.',
      "kept: 2 refused: 1",
    ]);
  });

  it("queue-two-processes: the consumer bills every order of the producer once", async () => {
    const finished = await run("queue-two-processes");
    expect(linesOf(finished, "producer")).toEqual([
      "producer: A-1 stored at position 1",
      "producer: A-2 stored at position 2",
      "producer: A-3 stored at position 3",
      "producer: A-4 sent twice, stored once: true",
    ]);
    expect(linesOf(finished, "consumer")).toEqual([
      "consumer: billed A-1, attempt 1",
      "consumer: billed A-2, attempt 1",
      "consumer: billed A-3, attempt 1",
      "consumer: billed A-4, attempt 1",
      "consumer: 8996 cents in 4 orders",
    ]);
    const groups = await openQueueOf(finished, "data/orders.db").groups.list();
    expect(groups).toMatchObject([{ name: "billing", cursor: 4, pending: 0, deadLetters: 0 }]);
  });

  it("fastify-app: the route answers when the order is stored, and the worker confirms it", async () => {
    const finished = await run("fastify-app");
    expect(finished.lines.toSorted()).toEqual([
      "web: A-1 confirmed in another process: true",
      "web: first request answered with 202",
      "web: second request answered with 200",
      "worker: confirming A-1, attempt 1",
      "worker: exit code 0",
    ]);
    const [placed, confirmed, ...others] = await openQueueOf(finished, "data/shop.db").history();
    expect(others).toEqual([]);
    expect(placed).toMatchObject({ type: "ORDER_PLACED", payload: { id: "A-1", cents: 1999 } });
    expect(confirmed).toMatchObject({ type: "ORDER_CONFIRMED", causationId: placed?.id });
  });

  it("worker-threads: the threads share the images, and the main thread hears of each", async () => {
    const finished = await run("worker-threads");
    expect(finished.lines.toSorted()).toEqual([
      "a.png: 10000 pixels, in another thread: true",
      "b.png: 10000 pixels, in another thread: true",
      "c.png: 10000 pixels, in another thread: true",
      "d.png: 10000 pixels, in another thread: true",
      "images resized: 4",
    ]);
    const stored = await openQueueOf(finished, "data/images.db").history();
    expect(stored.filter((event) => event.type === "IMAGE_RESIZED")).toHaveLength(4);
  });

  it("own-catalogue: names and failures go where the catalogue says, local events nowhere", async () => {
    const { lines } = await run("own-catalogue");
    expect(lines).toEqual([
      "problems: 0",
      "LOW_STOCK is stock.low",
      "placed: 1999",
      "packed: 2",
      "failed: no boxes",
      "on the queue: ORDER_PLACED STOCK_BELOW_MINIMUM ORDER_PACKED PACKING_FAILED",
    ]);
  });

  it("retries-and-dead-letters: a dead letter after three attempts or at once, and a redrive", async () => {
    const finished = await run("retries-and-dead-letters");
    // A-1 waits between its attempts, and the others go past it meanwhile.
    const about = (subject: string) => finished.lines.filter((line) => line.includes(subject));
    expect(about("A-1")).toEqual([
      "A-1: attempt 1 failed",
      "A-1: attempt 2 failed",
      "A-1: attempt 3 failed",
      "A-1: mailed, redelivered: true",
    ]);
    expect(about("A-2")).toEqual(["A-2: mailed, redelivered: false"]);
    expect(about("dead letter").toSorted()).toEqual([
      'dead letter after 1 attempt(s): "nobody" is no address',
      "dead letter after 3 attempt(s): the mail server does not answer",
      "dead letters left: 0",
    ]);
    expect(about("redriven")).toEqual(["redriven: 1"]);
    const groups = await openQueueOf(finished, "data/shop.db").groups.list();
    expect(groups).toMatchObject([{ name: "mailer", pending: 0, deadLetters: 0 }]);
  });

  it("outbox: rows and events are committed together, and an effect is there once", async () => {
    const finished = await run("outbox");
    expect(finished.lines).toEqual([
      "refused: no such customer",
      "orders 1, events 1",
      "ledger A-1 1999",
      "reminded of A-1",
      "ledger has 1 row",
    ]);
  });

  it("replay: the past is read from memory and from the log, oldest first, without a gap", async () => {
    const finished = await run("replay");
    expect(finished.lines).toEqual([
      "newest: A-3",
      "replayed A-1",
      "replayed A-2",
      "replayed A-3",
      "events replayed: 3",
      "turnover: 1000",
      "in the log after position 2: A-3 A-4",
      "again: A-1 true",
      "again: A-2 true",
      "again: A-3 true",
      "again: A-4 true",
    ]);
    const groups = await openQueueOf(finished, "data/shop.db").groups.list();
    // The first node is gone, and what came after it waits for its return.
    const present = groups.filter(({ name }) => name !== "till-1");
    expect(present.map(({ name, pending }) => ({ name, pending }))).toEqual([
      { name: "ledger", pending: 0 },
      { name: "shop-1", pending: 0 },
    ]);
  });

  it("graceful-shutdown: the running job finishes, the others wait for the next start", async () => {
    const finished = await run("graceful-shutdown");
    expect(finished.lines).toEqual([
      "transcoding a.mp4",
      "SIGTERM: taking no new work",
      "done with a.mp4",
      "drained: true, left running: 0",
      "waiting for the next start: 2",
    ]);
    const waiting = await openQueueOf(finished, "data/jobs.db").group("transcoder").receive();
    expect(waiting.map((event) => event.payload)).toEqual([{ name: "b.mp4" }, { name: "c.mp4" }]);
  });
});

/** Starts the runner in a folder of its own. */
async function startRunner(...more: readonly string[]): Promise<FinishedRunner> {
  const cwd = mkdtempSync(join(tmpdir(), "ringrift-runner-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const file = join(import.meta.dirname, "run.ts");
  const child = startExample(file, { cwd, stdio: "pipe", arguments: more });
  if (!child.stdout || !child.stderr) throw new Error("The runner's output is not piped.");
  const [output, errors] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { code: child.exitCode, output, errors, files: readdirSync(cwd) };
}

interface FinishedRunner {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
  /** What stands in the folder it was called in. */
  readonly files: readonly string[];
}

describe("the runner", () => {
  it("lists every example with a summary when it gets no name", async () => {
    const { output, code } = await startRunner();
    expect(code).toBe(0);
    const listed = output.split("\n").map((line) => line.trim().replace(/ {2,}/, ": "));
    for (const { name, summary } of listExamples()) {
      expect(summary).toMatch(/^[A-Z].{20,}\.$/);
      expect(listed).toContain(`${name}: ${summary}`);
    }
  });

  it("runs the example it is given, and leaves nothing in the folder it was called in", async () => {
    const { output, code, files } = await startRunner("guide/cross-process-queue.ts");
    expect({ output, code, files }).toEqual({
      output: "Received: TRAINING_COMPLETED { config: 'hex8_2p' }\n",
      code: 0,
      files: [],
    });
  });

  it("says what there is when it doesn't know a name", async () => {
    const { errors, code } = await startRunner("no-such-example");
    expect(code).toBe(2);
    expect(errors).toContain('There is no example "no-such-example"');
    expect(errors).toContain("bus-alone");
  });
});

describe("the examples as a whole", () => {
  const tests = ["examples.test.ts", "guide/guide.test.ts"]
    .map((path) => readFileSync(join(import.meta.dirname, path), "utf8"))
    .join("\n");
  const names = listExamples().map((example) => example.name);

  it("are those that the guide and the tasks of a newcomer ask for", () => {
    expect(names).toEqual([
      "bus-alone",
      "emitter-facade",
      "fastify-app",
      "graceful-shutdown",
      "outbox",
      "own-catalogue",
      "queue-two-processes",
      "replay",
      "retries-and-dead-letters",
      "schemas",
      "worker-threads",
      "guide/coordinator",
      "guide/core-event-bus",
      "guide/cross-process-communication",
      "guide/cross-process-queue",
      "guide/event-history",
      "guide/event-mappings",
      "guide/stage-event-bus",
      "guide/subscribe-to-multiple-topics",
    ]);
  });

  it("are each run by a test", () => {
    const untested = names.filter((name) => {
      const [, block] = /^guide\/(.*)/.exec(name) ?? [];
      return !tests.includes(block ? `await runBlock("${block}")` : `await run("${name}")`);
    });
    expect(untested).toEqual([]);
  });

  it("stand in the README's tables, each of them", () => {
    const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");
    const rows = Array.from(readme.matchAll(/^\| `([^`]+)` +\|/gm), ([, name = ""]) => name);
    expect(rows.toSorted()).toEqual(names.toSorted());
  });

  it("leave no file without an example that it belongs to", () => {
    const stray = listExampleFiles().filter((path) => {
      const file = join(import.meta.dirname, path);
      const main = join(dirname(file), "main.ts");
      return !listExamples().some((example) => example.file === file || example.file === main);
    });
    expect(stray).toEqual([]);
  });

  it("have no cast and no `any`", () => {
    const cast = /\bas [\w({[]|\bsatisfies\b|[<:] ?any\b|\w!\./;
    // An import may rename, and a comment may say "as" too.
    const other = /\/\*[\s\S]*?\*\/|\/\/.*$|^import .*$/gm;
    const found = listExampleFiles().filter((path) => {
      const source = readFileSync(join(import.meta.dirname, path), "utf8");
      return source.includes("@ts-") || cast.test(source.replaceAll(other, ""));
    });
    expect(found).toEqual([]);
  });
});
