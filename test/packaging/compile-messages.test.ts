import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runNode } from "./consumer.ts";

const root = join(import.meta.dirname, "../..");

const PRELUDE = `
import { createCoordinator } from "@ringrift/coordinator";
import { createEventBus } from "@ringrift/core-bus";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import { MemoryEventQueue } from "@ringrift/event-queue";
import { defineCatalogue, event, selfplayCatalogue } from "@ringrift/mappings";
import { createStageEventBus, trackPipeline } from "@ringrift/stage-events";
const catalogue = defineCatalogue({ "order.placed": event<{ id: string }>(), "user.left": event<{ id: string }>() });
const bus = createEventBus({ events: catalogue.topics });
const selfplay = createEventBus({ events: selfplayCatalogue.topics });
const stages = createStageEventBus();
const file = new CrossProcessEventQueue("events.db", { events: catalogue.queue });
const queue = new MemoryEventQueue({ events: catalogue.queue });
const large = new MemoryEventQueue({ events: selfplayCatalogue.queue });
const events = createCoordinator({ catalogue, queue });
const work = async () => {};
`;

/** What is wrong, a line that does it, and what the compiler must say of that line. */
const MISTAKES: readonly (readonly [mistake: string, line: string, ...said: string[]])[] = [
  [
    "a misspelt topic in publish",
    'void bus.publish("order.plcaed", { id: "A-1" });',
    `"This bus has no topic 'order.plcaed'. Did you mean" | "order.placed?"'.`,
  ],
  [
    "a misspelt topic in publishSync",
    'bus.publishSync("user.let", { id: "A-1" });',
    `"This bus has no topic 'user.let'. Did you mean" | "user.left?"'.`,
  ],
  [
    "a misspelt first word",
    'void bus.publish("oder.placed", { id: "A-1" });',
    `"This bus has no topic 'oder.placed'. Did you mean" | "order.placed?"'.`,
  ],
  [
    "a topic that no other is near",
    'void bus.publish("ordered", { id: "A-1" });',
    `"This bus has no topic 'ordered'. Did you mean" | "order.placed?" | "user.left?"'.`,
  ],
  [
    "a misspelt topic of a large catalogue",
    'void selfplay.publish("model.promotde", { modelId: "m", elo: 1 });',
    `"This bus has no topic 'model.promotde'. Did you mean" | "model.promoted?"`,
    '"model.sync_failed?"',
    '"model.synced?"',
  ],
  [
    "a misspelt topic in subscribe",
    'bus.subscribe("order.plcaed", work);',
    `"This bus has no topic 'order.plcaed'. Did you mean" | "order.placed?"`,
  ],
  [
    "a misspelt topic in a durable publish",
    'void events.publish("order.plcaed", { id: "A-1" });',
    `"This bus has no topic 'order.plcaed'. Did you mean" | "order.placed?"'.`,
  ],
  [
    "a misspelt topic in the form of one object",
    'void bus.publish({ topic: "order.plcaed", payload: { id: "A-1" } });',
    `Did you mean '"order.placed"'?`,
  ],
  [
    "a misspelt event in send",
    'void queue.send("ORDER_PLCAED", { id: "A-1" });',
    `"'ORDER_PLCAED' isn't an event of this queue. Did you mean" | "ORDER_PLACED?"'.`,
  ],
  [
    "a misspelt event in send, of a large catalogue",
    'void large.send("TRAINING_COMPLETD", { configKey: "k" });',
    `"'TRAINING_COMPLETD' isn't an event of this queue. Did you mean"`,
    '"TRAINING_COMPLETED?"',
  ],
  [
    "a misspelt event in the send of a transaction",
    'void file.transaction((tx) => tx.send("ORDER_PLCAED", { id: "A-1" }).id);',
    `"'ORDER_PLCAED' isn't an event of this queue. Did you mean" | "ORDER_PLACED?"'.`,
  ],
  [
    "a misspelt event in sendMany",
    'void queue.sendMany([{ type: "ORDER_PLCAED", payload: { id: "A-1" } }]);',
    `Did you mean '"ORDER_PLACED"'?`,
  ],
  [
    "a wrong payload in send",
    'void queue.send("ORDER_PLACED", { id: 1 });',
    "Type 'number' is not assignable to type 'string'.",
  ],
  [
    "a wrong payload",
    'void bus.publish("order.placed", { id: 1 });',
    "Type 'number' is not assignable to type 'string'.",
  ],
  [
    "an async callback of a transaction",
    "void file.transaction(async () => {});",
    `Type 'Promise<void>' is not assignable to type '"A transaction is synchronous: the callback must not be async or return a promise"'.`,
  ],
  [
    "an async handler in transactions",
    'file.consumeInTransaction({ group: "mailer" }, work);',
    `Type 'Promise<void>' is not assignable to type '"A transaction is synchronous: the callback must not be async or return a promise"'.`,
  ],
  [
    "options of a tracker among what it tracks",
    "trackPipeline({ bus: selfplay, catalogue: selfplayCatalogue, stallAfterMs: { training: 1 } });",
    '"Options come second: trackPipeline(source, { stallAfterMs })"',
  ],
  [
    "maxAttempts on the constructor of a queue",
    "new MemoryEventQueue({ maxAttempts: 3 });",
    '"Belongs to a group: queue.consume({ group, maxAttempts }, handler)"',
  ],
  [
    "maxAttempts on the constructor of a queue in a file",
    'new CrossProcessEventQueue("events.db", { maxAttempts: 3 });',
    '"Belongs to a group: queue.consume({ group, maxAttempts }, handler)"',
  ],
  [
    "a handler alone",
    "queue.consume(work);",
    String.raw`"Two arguments are needed: consume({ group: \"mailer\" }, handler)"`,
  ],
  [
    "a handler alone, for a group",
    'queue.group("mailer").consume(work);',
    '"Two arguments are needed: consume({}, handler)"',
  ],
  [
    "a handler of work without a group",
    'events.handle("order.placed", work);',
    String.raw`"Three arguments are needed: handle(topic, { group: \"mailer\" }, handler)"`,
  ],
  [
    "options and handler swapped in consume",
    'queue.consume(work, { group: "mailer" });',
    '"The handler comes last: (options, handler)"',
  ],
  [
    "options and handler swapped in handle",
    'events.handle("order.placed", work, { group: "mailer" });',
    '"The handler comes last: (options, handler)"',
  ],
  [
    "options and handler swapped in consumeInTransaction",
    'file.consumeInTransaction(() => {}, { group: "mailer" });',
    '"The handler comes last: (options, handler)"',
  ],
];

/** What is right next to them. */
const RIGHT = [
  'void bus.publish("order.placed", { id: "A-1" });',
  'void bus.publish({ topic: "order.placed", payload: { id: "A-1" } });',
  'void events.publish("order.placed", { id: "A-1" }, { key: "A-1" });',
  'void createEventBus().publish("any.topic", 1);',
  'void queue.send("ORDER_PLACED", { id: "A-1" }, { key: "A-1" });',
  'void new MemoryEventQueue().send("ANY_EVENT", 1);',
  'const text: Promise<string> = file.transaction((tx) => tx.send("ORDER_PLACED", { id: "A-1" }).id);',
  "trackPipeline(stages, { stallAfterMs: { training: 1 } });",
  'queue.consume({ group: "mailer", maxAttempts: 3 }, work);',
  'queue.group("mailer").consume({ concurrency: 2 }, work);',
  'events.handle("order.placed", { group: "mailer" }, work);',
];

describe("the compiler's message", () => {
  const folder = mkdtempSync(join(tmpdir(), "ringrift-messages-"));
  /** By line. */
  let messages: Map<number, string>;

  beforeAll(async () => {
    messages = await compile(folder, [...MISTAKES.map(([, line]) => line), ...RIGHT]);
  }, 100_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(MISTAKES.map(([mistake, , ...said], index) => ({ mistake, said, index })))(
    "says what to write for $mistake",
    ({ said, index }) => {
      for (const part of said) expect(messages.get(index)).toContain(part);
    },
  );

  it("is there for the mistakes only", () => {
    expect([...messages.keys()].toSorted((a, b) => a - b)).toEqual(MISTAKES.map((_, i) => i));
  });
});

/** Compiles the lines after the prelude against the packages' sources; gives the message of each that has one. */
async function compile(folder: string, lines: readonly string[]): Promise<Map<number, string>> {
  const compilerOptions = {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    moduleDetection: "force",
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
    customConditions: ["@ringrift/source"],
    paths: { "@ringrift/*": [join(root, "packages/*/src/index.ts")] },
  };
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["main.ts"] }),
  );
  writeFileSync(join(folder, "main.ts"), PRELUDE + lines.join("\n"));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await runNode([tsc, "-p", folder, "--pretty", "false"], folder);
  const first = PRELUDE.split("\n").length;
  const found = new Map<number, string>();
  for (const error of stdout.split(/\n(?=\S)/)) {
    const line = /^main\.ts\((\d+),\d+\): error /.exec(error)?.[1];
    if (line === undefined) throw new Error(`tsc has failed otherwise:\n${error}`);
    const index = Number(line) - first;
    found.set(index, `${found.get(index) ?? ""}${error}\n`);
  }
  return found;
}
