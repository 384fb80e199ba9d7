/**
 * Reads a log through as a group of its own and says how much memory the process had, in MiB, after each hundredth of
 * it. Plain JavaScript on the built package: what strips types from a source would be a quarter of the figure.
 */
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";

const [path = "", count = "0"] = process.argv.slice(2);
const events = Number(count);
const queue = new CrossProcessEventQueue(path, { survives: "process-crash" });
const group = queue.group(`read-through-${process.pid}`);
const readings = [];
let next = 0;
for (let read = 0; read < events;) {
  const leased = await group.receive({ limit: 100 });
  if (leased.length === 0) throw new Error(`The log ended after ${read} of ${events} events.`);
  await Promise.all(leased.map((event) => event.ack()));
  read += leased.length;
  if (read < next) continue;
  next += events / 100;
  readings.push(process.memoryUsage.rss() / 2 ** 20);
}
await queue.close();
process.send?.(readings);
