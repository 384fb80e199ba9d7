import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as CoreBus from "@ringrift/core-bus";

/** So often that V8 has compiled what is used, and knows both ways through it. */
const TIMES = 3_000;

/**
 * Makes this process one in which a bus has been used, as in every program that handles events: handlers have awaited, and
 * have published in the handling of others.
 *
 * @param bench - the folder of the benchmarks; the bus is the one that they use
 */
export async function useBus(bench: string): Promise<void> {
  const path = createRequire(join(bench, "package.json")).resolve("@ringrift/core-bus");
  // The cast is safe: the same package, perhaps of another commit.
  const { createEventBus } = (await import(pathToFileURL(path).href)) as typeof CoreBus;
  const bus = createEventBus();
  bus.subscribe("use.outer", async () => {
    await Promise.resolve();
    bus.publishSync("use.inner");
    await bus.publish("use.inner");
  });
  bus.subscribe("use.inner", () => {});
  for (let time = 0; time < TIMES; time += 1) {
    bus.publishSync("use.outer");
    await bus.publish("use.outer");
  }
  await bus.drain();
  await bus.close();
}
