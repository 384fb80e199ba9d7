import { setImmediate } from "node:timers/promises";
import { type MemoryResult, verdictOf } from "./results.ts";
import type { MemoryCandidate, MemoryScenario } from "./scenario.ts";

const MIB = 2 ** 20;

/** Reads the heap before and after the work of each candidate, after a collection each time. */
export async function measureMemory(scenario: MemoryScenario): Promise<MemoryResult> {
  const candidates: MemoryResult["candidates"][number][] = [];
  for (const candidate of scenario.candidates) {
    candidates.push({ name: candidate.name, ...(await growthOf(scenario, candidate)) });
  }
  return {
    kind: "memory",
    id: scenario.id,
    title: scenario.title,
    operation: scenario.operation,
    operations: scenario.operations,
    candidates,
    targets: scenario.targets.map((target) => {
      const found = candidates.find(({ name }) => name === target.candidate)!;
      const grownMib = found.afterMib - found.beforeMib;
      return {
        ...target,
        grownMib,
        verdict: verdictOf(grownMib <= target.atMostMib ? 1 : 0),
      };
    }),
  };
}

async function growthOf(
  scenario: MemoryScenario,
  { name, make }: MemoryCandidate,
): Promise<{ beforeMib: number; afterMib: number }> {
  const work = make();
  // Twice, with a reading between: what compiling leaves behind is gone by the second.
  for (let pass = 0; pass < 2; pass += 1) {
    expectDeliveries(scenario, name, work(scenario.warmUp), scenario.warmUp);
    await heapMib();
  }
  const beforeMib = await heapMib();
  expectDeliveries(scenario, name, work(scenario.operations), scenario.operations);
  const afterMib = await heapMib();
  // The emitter lives until here: what it holds on to is in the second reading.
  expectDeliveries(scenario, name, work(1), 1);
  return { beforeMib, afterMib };
}

/** The heap after full collections, with time for finalizers between them. */
async function heapMib(): Promise<number> {
  if (!globalThis.gc) throw new Error("Memory is read after a collection. Run with --expose-gc.");
  for (let pass = 0; pass < 5; pass += 1) {
    globalThis.gc();
    await setImmediate();
  }
  return process.memoryUsage().heapUsed / MIB;
}

function expectDeliveries(
  scenario: MemoryScenario,
  name: string,
  delivered: number,
  expected: number,
): void {
  if (delivered === expected) return;
  throw new Error(
    `Scenario "${scenario.id}": "${name}" delivered ${delivered} times instead of ${expected}.`,
  );
}
