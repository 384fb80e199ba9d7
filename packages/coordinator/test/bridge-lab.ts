import type { EventQueue, StoredEvent } from "@ringrift/event-queue";
import { MemoryEventQueue, MemoryLog, type MemoryEventQueueOptions } from "@ringrift/event-queue";
import { onTestFinished } from "vitest";
import { createQueueBridge, type QueueBridge, type QueueBridgeOptions } from "../src/index.ts";

/** Another instance over a log in memory; closed when the test is finished. */
export function openQueue(options: MemoryEventQueueOptions = {}): MemoryEventQueue {
  const queue = new MemoryEventQueue({ log: new MemoryLog(), ...options });
  onTestFinished(() => queue.close());
  return queue;
}

/** A bridge that isn't started yet; closed when the test is finished. Errors that nobody expects are thrown. */
export function makeBridge(
  options: Partial<QueueBridgeOptions> & Pick<QueueBridgeOptions, "from" | "to">,
): QueueBridge {
  const bridge = createQueueBridge({ name: "bridge", ...options });
  onTestFinished(() => bridge.close({ timeoutMs: 1_000 }).then(() => undefined));
  return bridge;
}

export async function startBridge(...args: Parameters<typeof makeBridge>): Promise<QueueBridge> {
  const bridge = makeBridge(...args);
  await bridge.start();
  return bridge;
}

/** Resolves when no group has anything left to do, and stays so. */
export async function atRest(...queues: readonly EventQueue[]): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    await sleep(5);
    const groups = (await Promise.all(queues.map((queue) => queue.groups.list()))).flat();
    quiet = groups.every(({ pending }) => pending === 0) ? quiet + 1 : 0;
  }
}

export async function logOf(queue: EventQueue): Promise<StoredEvent[]> {
  return queue.history({ limit: 100_000 });
}

export async function idsOf(queue: EventQueue): Promise<string[]> {
  return (await logOf(queue)).map(({ id }) => id);
}

export function numbersOf(events: readonly StoredEvent[]): unknown[] {
  // The cast is safe: what the tests send.
  return events.map(({ payload }) => (payload as { n: number }).n);
}

export function numbered(
  count: number,
  more: (n: number) => { key?: string } = () => ({}),
): { type: string; payload: { n: number }; key?: string }[] {
  return Array.from({ length: count }, (_, n) => ({ type: "A_X", payload: { n }, ...more(n) }));
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits for a condition, as long as a test may take. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}
