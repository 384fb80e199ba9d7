import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** A package that depends on both buses: the scripts find them there. */
const folder = join(import.meta.dirname, "../../packages/coordinator");
const hang = `() => new Promise(() => {})`;
const openBus = `
  import { createEventBus } from "@ringrift/core-bus";
  const bus = createEventBus();
  bus.subscribe("a", ${hang});
  bus.publishSync("a");`;
const openStages = `
  import { createStageEventBus } from "@ringrift/stage-events";
  const stages = createStageEventBus();
  const event = { stage: "sync_complete", success: true, configKey: "k" };
  stages.subscribe("sync_complete", ${hang});`;

/** Each is a script whose last statement waits, while nothing else keeps the process alive. */
const scripts: Readonly<Record<string, string>> = {
  "bus.close": `${openBus} console.log((await bus.close({ timeoutMs: 50 })).left);`,
  "bus.close in a handler": `
    import { createEventBus } from "@ringrift/core-bus";
    const bus = createEventBus();
    bus.subscribe("a", async () => console.log((await bus.close()).left));
    await bus.publish("a");`,
  "bus.drain": `${openBus} console.log((await bus.drain({ timeoutMs: 50 })).left);`,
  "await using": `
    import { createEventBus } from "@ringrift/core-bus";
    {
      await using bus = createEventBus();
      bus.subscribe("a", ${hang});
      bus.publishSync("a");
    }
    console.log(1);`,
  "bus.waitFor": `${openBus}
    console.log(await bus.waitFor("b", { timeoutMs: 50 }).catch(({ code }) => code === "WAIT_TIMEOUT" && 1));`,
  "bus.publish with handlerTimeoutMs": `
    import { createEventBus } from "@ringrift/core-bus";
    const bus = createEventBus({ handlerTimeoutMs: 50, onError: () => {} });
    bus.subscribe("a", ${hang});
    console.log((await bus.publish("a")).errors.length);`,
  "a publish that waits behind a replay, with handlerTimeoutMs": `
    import { createEventBus } from "@ringrift/core-bus";
    const bus = createEventBus({ handlerTimeoutMs: 50, onError: () => {} });
    await bus.publish("a");
    bus.subscribe("a", ${hang}, { replay: true });
    console.log((await bus.publish("a")).errors.length);`,
  "stages.emitAndWait": `${openStages}
    console.log((await stages.emitAndWait(event, { timeoutMs: 50 })).pending);`,
  "stages.close": `${openStages}
    stages.emit(event);
    console.log((await stages.close({ timeoutMs: 50 })).left);`,
};

describe("a call that promises to resolve within a limit, as the last line of a script", () => {
  it.each(Object.entries(scripts))("%s: the process lives until it has", (_, script) => {
    const child = spawnSync(
      process.execPath,
      ["--conditions=@ringrift/source", "--input-type=module", "--eval", script],
      { cwd: folder, timeout: 25_000, encoding: "utf8" },
    );
    expect([child.stdout, child.stderr, child.status]).toEqual(["1\n", "", 0]);
  });
});
