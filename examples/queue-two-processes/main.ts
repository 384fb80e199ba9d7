/** The queue by itself between two processes: one sends orders, the other works on them. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

// Neither process knows the other; all they share is the file data/orders.db.
const consumer = fork(join(import.meta.dirname, "consumer.ts"));
const producer = fork(join(import.meta.dirname, "producer.ts"));
const codes = await Promise.all([once(consumer, "exit"), once(producer, "exit")]);
if (codes.some(([code]) => code !== 0)) process.exitCode = 1;
