import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEventBus, type EventBus } from "../src/index.ts";

/** Decorators are no JavaScript yet that Node.js runs: the compiler makes it of this. */
const SOURCE = `
export function define(bus: any) {
  class Trainer {
    seen: unknown[] = [];
    @bus.subscriber("data.*", { priority: 1 })
    async onData(event: any) { this.seen.push(["data", event.payload]); }
    @bus.subscriber("training.done")
    #done(event: any) { this.seen.push(["done", event.payload]); }
  }
  class LoudTrainer extends Trainer {
    override async onData(event: any) { this.seen.push(["loud", event.payload]); }
  }
  return { Trainer, LoudTrainer };
}
`;

interface TrainerClass {
  new (): { seen: unknown[] };
}
interface Classes {
  define(bus: EventBus): { Trainer: TrainerClass; LoudTrainer: TrainerClass };
}

let folder: string;
let classes: Classes;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringrift-decorators-"));
  const file = join(folder, "trainer.mts");
  writeFileSync(file, SOURCE);
  const compiler = join(import.meta.dirname, "../../../node_modules/typescript/bin/tsc");
  const flags = ["--target", "es2024", "--module", "nodenext", "--noCheck"];
  execFileSync(process.execPath, [compiler, ...flags, file], { cwd: folder });
  classes = (await import(pathToFileURL(join(folder, "trainer.mjs")).href)) as Classes;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("subscriber as a method decorator", () => {
  it("subscribes each instance, private methods included, with the instance as this", async () => {
    const bus = createEventBus();
    const { Trainer } = classes.define(bus);
    expect(bus.stats().subscriptions.all).toBe(0);
    const one = new Trainer();
    const two = new Trainer();
    await bus.publish("data.new_games", 1);
    await bus.publish("training.done", 2);
    const expected = [
      ["data", 1],
      ["done", 2],
    ];
    expect([one.seen, two.seen]).toEqual([expected, expected]);
    expect(bus.inspect().subscriptions[0]).toMatchObject({
      name: "onData",
      priority: 1,
      owned: true,
    });
  });

  it("calls the method of the subclass that overrides it", async () => {
    const bus = createEventBus();
    const { LoudTrainer } = classes.define(bus);
    const trainer = new LoudTrainer();
    await bus.publish("data.new_games", 1);
    expect(trainer.seen).toEqual([["loud", 1]]);
  });

  it("has the instance as owner: it goes with it", async () => {
    const bus = createEventBus();
    const { Trainer } = classes.define(bus);
    (() => void new Trainer())();
    expect(bus.stats().subscriptions.all).toBe(2);
    for (let round = 0; round < 50 && bus.stats().subscriptions.all > 0; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      globalThis.gc!();
    }
    expect(bus.stats().subscriptions.all).toBe(0);
  });
});

describe("subscriber on a plain function", () => {
  it("subscribes it and returns it", async () => {
    const bus = createEventBus();
    const seen: unknown[] = [];
    const onCompleted = (event: { payload: unknown }): void => void seen.push(event.payload);
    const returned = bus.subscriber("training.completed", { name: "promoter" })(onCompleted);
    expect(returned).toBe(onCompleted);
    await bus.publish("training.completed", 1);
    expect(seen).toEqual([1]);
    expect(bus.inspect().subscriptions[0]).toMatchObject({ name: "promoter", owned: false });
    expect(bus.unsubscribe({ handler: onCompleted })).toBe(1);
  });

  it("takes patterns and filters", async () => {
    const bus = createEventBus();
    const seen: string[] = [];
    bus.subscriber("training.*")(() => seen.push("pattern"));
    bus.subscriber({ topicPattern: /^training\./, source: "trainer" })(() => seen.push("filter"));
    await bus.publish("training.completed", 1, { source: "trainer" });
    expect(seen).toEqual(["pattern", "filter"]);
  });
});
