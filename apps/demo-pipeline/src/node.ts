import { writeSync } from "node:fs";
import { createCoordinator } from "@ringrift/coordinator";
import { demoCatalogue } from "./catalogue.ts";
import { openDemoQueue } from "./demo-queue.ts";
import { Ledger } from "./ledger.ts";
import { ROLES } from "./roles.ts";
import type { Role } from "./roles.ts";
import { RunFolder, jsonText } from "./run-folder.ts";
import type { StageContext } from "./stages/context.ts";
import { recordSightings } from "./stages/sightings.ts";

/**
 * One process of the pipeline: `node.ts <role> <name> <run folder> <queue>`. A named node with
 * its own queue handle, buses, coordinator and ledger. Of the process that started it, it takes only
 * "stop" (as a message or SIGTERM); work comes as events.
 */
const [role, name, runPath, where] = process.argv.slice(2) as [Role, string, string, string];
const folder = new RunFolder(runPath);
const run = folder.readJson("run.json") as StageContext["run"] | undefined;
if (run === undefined) throw new Error(`There is no run.json in "${runPath}".`);

await using queue = await openDemoQueue(where);
await using events = createCoordinator({
  catalogue: demoCatalogue,
  queue,
  node: name,
  onError: (error) => log(error),
});
const context: StageContext = { node: name, events, folder, run, ledger: new Ledger(folder, name) };
recordSightings(context);
ROLES[role](context);

const stopped = Promise.withResolvers<void>();
// The launcher alone decides what Ctrl-C means; a terminal sends it to all processes at once.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => stopped.resolve());
process.on("disconnect", () => stopped.resolve());
process.on("message", (message) => {
  if (message === "stop") stopped.resolve();
});

await events.start();
process.send?.("ready");
await stopped.promise;

const { drained, left } = await events.stop({ timeoutMs: 4000 });
if (!drained) log(`Stopped with ${left} handlers or events left.`);
folder.replace(`stats/${name}-${process.pid}.json`, jsonText({ node: name, ...events.stats() }));
if (process.connected) process.disconnect();

function log(what: unknown): void {
  const text = what instanceof Error ? (what.stack ?? what.message) : String(what);
  writeSync(2, `${new Date().toISOString()} ${text}\n`);
}
