import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NatsServer } from "test-servers";
import { onTestFinished } from "vitest";
import { type NatsEventQueue, openNatsQueue } from "../../src/index.ts";

/** A server, and a queue on it that is opened as often as wanted. */
export async function start(): Promise<{ server: NatsServer; open(): Promise<NatsEventQueue> }> {
  const server = await NatsServer.start();
  onTestFinished(() => server.dispose());
  return { server, open: () => openNatsQueue({ servers: server.url, stream: "orders" }) };
}

/** Sends these numbers, one after another. */
export async function send(
  queue: NatsEventQueue,
  from: number,
  to: number,
  key?: string,
): Promise<void> {
  for (let n = from; n < to; n += 1) {
    await queue.send("ORDER_PLACED", { n }, key === undefined ? {} : { key });
  }
}

/** From `from`, below `to`. */
export const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, n) => from + n);

/** Has the server lose what it stored while `work` ran: what a power cut may do. */
export async function losing(
  server: NatsServer,
  parts: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const streams = join(server.folder, "store/jetstream/$G/streams");
  const copy = join(server.folder, "copy");
  await server.kill("SIGTERM");
  for (const part of parts) cpSync(join(streams, part), join(copy, part), { recursive: true });
  await server.run();
  await work();
  await server.kill("SIGTERM");
  for (const part of parts) {
    rmSync(join(streams, part), { recursive: true });
    cpSync(join(copy, part), join(streams, part), { recursive: true });
  }
  await server.run();
}
