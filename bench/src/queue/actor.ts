/** One end of a pipeline in a process of its own: does what it is told, and says when it began and was done. */
import type { PipelineOptions, System } from "./system.ts";

/** What an actor is told. */
export interface Order {
  readonly events: number;
}

/** What an actor says: when it is open, and after each order. */
export type Said = { readonly kind: "open" } | { readonly kind: "done"; readonly at: string };

const [role = "", systemName = "", optionsText = ""] = process.argv.slice(2);
const options = JSON.parse(optionsText) as PipelineOptions;
/** Loaded on demand: nobody needs the others' peers. */
const systems: Readonly<Record<string, () => Promise<System>>> = {
  ours: async () => (await import("./systems/ours.ts")).ours,
  "ours, consume()": async () => (await import("./systems/ours.ts")).oursWithHandlers,
  redis: async () => (await import("./systems/redis.ts")).redisStreams,
  bullmq: async () => (await import("./systems/bullmq.ts")).bullmq,
  jetstream: async () => (await import("./systems/jetstream.ts")).jetStream,
  plainjob: async () => (await import("./systems/plainjob.ts")).plainjob,
};

const system = await systems[systemName]?.();
if (system === undefined) throw new Error(`There is no system "${systemName}".`);
const act = await end(system);
process.on("message", async ({ events }: Order) => {
  await act(events);
  // The clock is the machine's: both processes read the same.
  say({ kind: "done", at: String(process.hrtime.bigint()) });
});
say({ kind: "open" });

async function end(chosen: System): Promise<(events: number) => Promise<void>> {
  if (role === "prepare") {
    await chosen.prepare(options);
    return async () => {};
  }
  if (role === "publisher") {
    const publisher = await chosen.openPublisher(options);
    return (events) => publisher.publish(events);
  }
  const consumer = await chosen.openConsumer(options);
  return (events) => consumer.consume(events);
}

function say(what: Said): void {
  process.send?.(what);
}
