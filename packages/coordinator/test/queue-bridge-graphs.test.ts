import { createLineage } from "@ringrift/envelope";
import { MemoryEventQueue, MemoryLog, type StoredEvent } from "@ringrift/event-queue";
import { injectFaults, type QueueFaults } from "@ringrift/event-queue/testing";
import fc from "fast-check";
import { expect, it } from "vitest";
import { createQueueBridge, type QueueBridge } from "../src/index.ts";
import { atRest, logOf, sleep, until } from "./bridge-lab.ts";

/** Short, so that what a killed process held comes again soon. */
const LEASE_MS = 40;

/** A bridge, and how many processes run it. */
interface Edge {
  readonly from: number;
  readonly to: number;
  readonly both: boolean;
  readonly name: "one" | "two";
  readonly processes: number;
}

type Step =
  | { readonly do: "send"; readonly queue: number; readonly key: string | undefined }
  | { readonly do: "stop" | "start" | "kill" | "lose"; readonly process: number }
  | { readonly do: "wait"; readonly ms: number };

/** A process of a bridge: its instances, which may lose answers and end with it. */
class Process {
  readonly edge: Edge;
  readonly #logs: readonly MemoryLog[];
  #bridge: QueueBridge | undefined;
  #instances: MemoryEventQueue[] = [];
  #faults: QueueFaults[] = [];

  constructor(edge: Edge, logs: readonly MemoryLog[]) {
    this.edge = edge;
    this.#logs = logs;
  }

  get bridge(): QueueBridge | undefined {
    return this.#bridge;
  }

  get inFlight(): number {
    const { forward, backward } = this.#bridge?.stats() ?? {};
    return (forward?.inFlight ?? 0) + (backward?.inFlight ?? 0);
  }

  async start(): Promise<void> {
    const { from, to, name, both } = this.edge;
    if (this.#bridge === undefined) {
      const open = (index: number) => new MemoryEventQueue({ log: this.#logs[index] });
      const ends = { from: open(from), to: open(to) };
      this.#instances = [ends.from, ends.to];
      this.#faults = this.#instances.map(injectFaults);
      const options = { name, both, leaseMs: LEASE_MS, concurrency: 3, onError: () => {} };
      this.#bridge = createQueueBridge({ ...options, ...ends });
    }
    // An answer that is lost at the start is an error there.
    await this.#bridge.start().catch(() => this.start());
  }

  async stop(): Promise<void> {
    await this.#bridge?.stop();
  }

  async kill(): Promise<void> {
    const bridge = this.#bridge;
    this.#bridge = undefined;
    await Promise.all(this.#faults.map((faults) => faults.end()));
    // As its timers would.
    void bridge?.stop({ timeoutMs: 0 });
  }

  lose(): void {
    for (const faults of this.#faults) faults.loseNextAnswer();
  }

  async end(): Promise<void> {
    await this.#bridge?.close();
    await Promise.all(this.#instances.map((queue) => queue.close()));
  }
}

const graphs = fc.integer({ min: 2, max: 4 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    edges: fc.array(
      fc
        .record({
          from: fc.nat(size - 1),
          distance: fc.integer({ min: 1, max: size - 1 }),
          both: fc.boolean(),
          name: fc.constantFrom("one" as const, "two" as const),
          processes: fc.integer({ min: 1, max: 2 }),
        })
        .map(({ distance, ...edge }): Edge =>
          Object.assign(edge, { to: (edge.from + distance) % size }),
        ),
      { minLength: 1, maxLength: 5 },
    ),
    steps: fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({
            do: fc.constant("send" as const),
            queue: fc.nat(size - 1),
            key: fc.option(fc.constantFrom("k1", "k2"), { nil: undefined }),
          }),
        },
        {
          weight: 4,
          arbitrary: fc.record({
            do: fc.constantFrom(
              "stop" as const,
              "start" as const,
              "kill" as const,
              "lose" as const,
            ),
            process: fc.nat(9),
          }),
        },
        { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(3) }) },
      ),
      { minLength: 5, maxLength: 40 },
    ),
  }),
);

/** The queues that an event comes to which is sent to this one, by whatever way. */
function reachableFrom(start: number, edges: readonly Edge[]): Set<number> {
  const reached = new Set([start]);
  for (let size = 0; size < reached.size;) {
    size = reached.size;
    for (const { from, to, both } of edges) {
      if (reached.has(from)) reached.add(to);
      if (both && reached.has(to)) reached.add(from);
    }
  }
  return reached;
}

/** What must not change on its way. */
function carriedPart(event: StoredEvent): Partial<StoredEvent> {
  const { position: _, storedAt: __, via: ___, ...rest } = event;
  return rest;
}

async function run({
  size,
  edges,
  steps,
}: {
  size: number;
  edges: readonly Edge[];
  steps: readonly Step[];
}): Promise<void> {
  const logs = Array.from({ length: size }, () => new MemoryLog());
  const queues = logs.map((log) => new MemoryEventQueue({ log }));
  const processes = edges.flatMap((edge) =>
    Array.from({ length: edge.processes }, () => new Process(edge, logs)),
  );
  const sent: { queue: number; event: StoredEvent }[] = [];
  for (const process of processes) await process.start();
  for (const step of steps) {
    if (step.do === "wait") await sleep(step.ms);
    else if (step.do === "send") {
      const { queue, key } = step;
      const parent = createLineage();
      const lineage = createLineage({ source: `queue-${queue}`, parent });
      const headers = { "ringrift-node": "n", n: String(sent.length) };
      const payload = { n: sent.length };
      const event = await queues[queue]?.send("A_X", payload, { key, headers, lineage });
      sent.push({ queue, event: event ?? expect.fail() });
    } else await processes[step.process % processes.length]?.[step.do]();
  }
  for (const process of processes) await process.start();
  await atRest(...queues);
  // An ack whose answer was lost is asked for again.
  await until(() => processes.every(({ inFlight }) => inFlight === 0));

  const ids = await Promise.all(queues.map((queue) => queue.id()));
  const held = await Promise.all(queues.map(logOf));
  for (const [index, events] of held.entries()) {
    const expected = sent.filter(({ queue }) => reachableFrom(queue, edges).has(index));
    const byId = new Map(events.map((event) => [event.id, event]));
    expect(events).toHaveLength(byId.size);
    expect([...byId.keys()].toSorted()).toEqual(expected.map(({ event }) => event.id).toSorted());
    for (const { event, queue } of expected) {
      const found = byId.get(event.id) ?? expect.fail();
      expect(carriedPart(found)).toEqual(carriedPart(event));
      // It names the queues that it has passed, each once, and never the one that it is in.
      expect(found.via).not.toContain(ids[index]);
      expect(new Set(found.via).size).toBe(found.via.length);
      expect(found.via[0]).toBe(queue === index ? undefined : ids[queue]);
    }
    for (const queue of queues.keys()) {
      for (const key of ["k1", "k2"]) {
        const numbers = events
          .filter((event) => event.key === key && event.source === `queue-${queue}`)
          .map(({ headers }) => Number(headers["n"]));
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      }
    }
  }
  // Nothing moves any more, and nothing was set aside.
  const stats = (): unknown => processes.map(({ bridge }) => bridge?.stats());
  const before = stats();
  await sleep(10);
  expect(stats()).toEqual(before);
  expect(await Promise.all(queues.map(logOf))).toEqual(held);
  for (const queue of queues) expect(await queue.deadLetters.list()).toEqual([]);
  for (const process of processes) await process.end();
  await Promise.all(queues.map((queue) => queue.close()));
}

it(
  "an event comes to every queue that bridges lead to, once and unchanged, whatever they go through",
  { timeout: 300_000 },
  async () => {
    await fc.assert(fc.asyncProperty(graphs, run), { numRuns: 60, endOnFailure: true });
  },
);
