import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { migrateQueue } from "@ringrift/event-queue";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { NatsServer } from "test-servers";
import { BACKENDS, lacking, tempFolder } from "./backends.ts";
import { judge, lookAt } from "./migration-judge.ts";
import { chooser, fill, moveAndDie, openBoth, PHASES, produce } from "./migration-round.ts";

const SEED = 20_261_130;
const ROUNDS = 25;
/** Most of a round is waiting: for a process to begin, and for delayed events. */
const AT_ONCE = 4;

/** Where the two queues of a round are. */
type Ends = readonly [from: string, to: string];

async function round(seed: number, [from, to]: Ends): Promise<string> {
  const choose = chooser(seed);
  const phase = PHASES[seed % PHASES.length] ?? "begin";
  await using queues = openBoth(from, to);
  const { old, next } = queues;
  const filled = await fill(old, choose);
  const before = await lookAt(old);
  const producing = produce(old, choose);
  const death = { phase, delayMs: choose(2) * choose(12) };
  expect(await moveAndDie(from, to, death), phase).toBe(true);
  await producing;
  // Whoever was killed didn't hold anybody for good.
  await sleep(choose(3) * 150);
  await produce(old, choose);
  const { heldMs } = await migrateQueue(old, next, { hold: () => {}, release: () => {} });
  await judge(queues, filled, { before, endedAt: Date.now() });
  expect(heldMs).toBeLessThan(2_000);
  return phase;
}

describe.each(BACKENDS)(
  "migrateQueue, from %s to the other one, killed in each of its phases,",
  (backend) => {
    beforeEach((context) => {
      const reason = lacking("NATS");
      if (reason !== undefined) context.skip(reason);
    });

    it(`brings everything once and in order when it is run again (${ROUNDS} rounds)`, async () => {
      const folder = tempFolder();
      const server = await NatsServer.start();
      onTestFinished(() => server.dispose());
      const seeds = Array.from({ length: ROUNDS }, (_, n) => SEED + n);
      const phases = new Set<string>();
      const runAll = async (): Promise<void> => {
        for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
          const ends: Ends = [join(folder, `${seed}.db`), `${server.url}#round-${seed}`];
          const [one, other] = ends;
          try {
            phases.add(await round(seed, backend === "NATS" ? [other, one] : ends));
          } catch (error) {
            throw new Error(`Round ${seed} failed.`, { cause: error });
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, runAll));
      expect([...phases].toSorted()).toEqual(PHASES.toSorted());
    }, 180_000);
  },
);
