import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildPackages } from "../packaging/consumer.ts";
import { type PackageFiles, readPackages } from "./public-api.ts";
import { inspectPublicDocs } from "./public-docs.ts";

const root = join(import.meta.dirname, "../..");
let built: PackageFiles;

beforeAll(async () => {
  await buildPackages(root);
  built = readPackages(root);
}, 120_000);

describe("the public documentation", () => {
  it("has a docstring for each export, a default for each option, and the errors of each checked call", () => {
    const found = inspectPublicDocs(built);
    expect(found.problems).toEqual([]);
    expect(found.exports).toBeGreaterThan(450);
    expect(found.options).toBeGreaterThan(180);
    expect(found.checkedCalls).toBeGreaterThan(85);
  });
});

describe("the documentation check fails", () => {
  let files: PackageFiles;

  beforeEach(() => {
    files = new Map(built);
  });

  function edit(path: string, from: string | RegExp, to: string): void {
    const text = files.get(path) ?? "";
    const edited = text.replace(from, to);
    expect(edited, `${path} has no ${String(from)}`).not.toBe(text);
    files.set(path, edited);
  }

  function add(path: string, text: string): void {
    files.set(path, `${files.get(path) ?? ""}\n${text}`);
  }

  const problems = (): string[] => inspectPublicDocs(files).problems;

  it("on an export without a docstring, of whatever kind", () => {
    edit("core-bus/dist/bus/options.d.ts", /\/\*\*[^/]*\*\/\s(?=export interface EventBus)/, "");
    add(
      "mappings/dist/index.d.ts",
      "export declare const hen: string;\nexport declare function lay(): void;\nexport type Egg = string;\n/** Said. */\nexport declare class Nest {\n}",
    );
    expect(problems()).toEqual([
      "core-bus/dist/bus/options.d.ts: EventBusOptions has no docstring.",
      "mappings/dist/index.d.ts: hen has no docstring.",
      "mappings/dist/index.d.ts: lay has no docstring.",
      "mappings/dist/index.d.ts: Egg has no docstring.",
    ]);
  });

  it("on one that has another name outside of its file", () => {
    add("envelope/dist/index.d.ts", 'export { hen as chick } from "./hen.ts";');
    add("envelope/dist/hen.d.ts", "export declare const hen: string;");
    expect(problems()).toEqual(["envelope/dist/hen.d.ts: hen has no docstring."]);
  });

  it("on an option without a default, in an interface and in a type", () => {
    edit("core-bus/dist/bus/options.d.ts", " @default 1024", "");
    add(
      "core-bus/dist/index.d.ts",
      "/** Said. */\nexport type HenOptions = {\n    /** Said. */\n    readonly eggs?: number;\n    readonly name: string;\n};",
    );
    expect(problems()).toEqual([
      "core-bus/dist/bus/options.d.ts: EventBusOptions.routeCache has no @default.",
      "core-bus/dist/index.d.ts: HenOptions.eggs has no @default.",
    ]);
  });

  it("on an option that other options take over, once and where it is declared", () => {
    edit("event-queue/dist/contract/groups.d.ts", ' @default "beginning"', "");
    edit("event-queue/dist/sending/backlog-gate.d.ts", " @default no limit", "");
    expect(problems().toSorted()).toEqual([
      "event-queue/dist/contract/groups.d.ts: GroupPolicy.from has no @default.",
      "event-queue/dist/sending/backlog-gate.d.ts: BacklogOptions.maxBacklog has no @default.",
    ]);
  });

  it("on a method that takes options and doesn't say what it throws", () => {
    edit("core-bus/dist/bus/bus.d.ts", /@throws(?=[^@]*drain\()/, "");
    expect(problems()).toEqual(["core-bus/dist/bus/bus.d.ts: EventBus.drain has no @throws."]);
  });

  it("on a function or constructor that calls a check and doesn't say what it throws", () => {
    edit("coordinator/dist/coordinator/create-coordinator.d.ts", "@throws", "");
    edit("nats-queue/dist/queue.d.ts", /@throws(?=[^@]*constructor)/, "");
    expect(problems()).toEqual([
      "coordinator/dist/coordinator/create-coordinator.d.ts: createCoordinator has no @throws.",
      "nats-queue/dist/queue.d.ts: NatsEventQueue.constructor has no @throws.",
    ]);
  });

  it("on a function that throws an error with a code itself", () => {
    add("envelope/dist/index.d.ts", "/** Said. */\nexport declare function lay(): void;");
    add("envelope/src/index.ts", 'export function lay() {\n  throw new HenError("NO_EGG");\n}');
    expect(problems()).toEqual(["envelope/dist/index.d.ts: lay has no @throws."]);
  });

  it("on an export it can't follow, and on a package that isn't built", () => {
    add("envelope/dist/index.d.ts", 'export { hen } from "./host/errors.ts";');
    expect(problems).toThrow("envelope/dist/index.d.ts exports hen, which isn't there.");
    files = new Map(built);
    files.delete("mappings/dist/index.d.ts");
    expect(problems).toThrow('"mappings/dist/index.d.ts" isn\'t there. Build the packages first.');
  });
});
