/* oxlint-disable vitest/expect-expect -- a difference fails by expect.fail, or throws */
import { describe, expect, test } from "vitest";
import type { QueueFactory } from "../conformance/harness/suite.ts";

/** How a queue is compared with the memory queue. */
export interface SameAsMemoryOptions {
  /** How many scripts are played. `MODEL_RUNS` in the environment says otherwise. @default 100 */
  readonly runs?: number | undefined;
  /** About how many commands a script has at most. @default 40 */
  readonly mostCommands?: number | undefined;
  /** Plays the scripts of this seed. `MODEL_SEED` in the environment says otherwise. @default another one each time */
  readonly seed?: number | undefined;
  /** Plays only the script that a failure named so. Needs its `seed`. `MODEL_PATH` in the environment says otherwise. */
  readonly path?: string | undefined;
  /**
   * `"stepped"`: the queue takes the time from `Date.now`, and the scripts set it. `"real"`: it goes by a clock that a test
   * can't set, as a server does. Then leases, pauses and delays of some 100 ms really pass, and nothing longer does; a moment
   * may differ by as long as the longest step of its script took; and the queue may give and show what it has to a moment
   * later. @default "stepped"
   */
  readonly clock?: "stepped" | "real" | undefined;
  /**
   * `"type"`: an id that is stored with another type isn't refused, since a producer of one type must not be able to keep
   * out an event of another one. Then no script sends an id with another type. @default "log"
   */
  readonly idsCountWithin?: "log" | "type" | undefined;
}

const TIMEOUT_MS = 3_600_000;

/**
 * Registers a differential test with vitest: random scripts are played on queues of the factory and on memory queues,
 * and all that they answer and show is compared. `testEventQueue` tests what somebody thought of; this finds the rest.
 * A script has several instances and groups on one log, opened, closed and reopened, and a clock that is stepped. What
 * the contract leaves open isn't compared (`tolerances.ts` and `open-choices.ts` say what, and why).
 *
 * A failure shows the shortest script that was found for it, and the seed and path that play it again. It needs
 * fast-check next to vitest. While a script is played, `Date.now` is the script's clock: the queue has to take the time
 * from it, and nothing else may run in the process. A queue that can't has the option `clock: "real"`.
 *
 * @example
 * testSameAsMemory("MyQueue", async () => {
 *   const folder = await mkdtemp(join(tmpdir(), "my-queue-"));
 *   return {
 *     open: (options) => new MyQueue(folder, options),
 *     dispose: () => rm(folder, { recursive: true }),
 *   };
 * });
 */
export function testSameAsMemory(
  name: string,
  factory: QueueFactory,
  options: SameAsMemoryOptions = {},
): void {
  const { MODEL_RUNS, MODEL_SEED, MODEL_PATH } = process.env;
  const { mostCommands = 40 } = options;
  const request = {
    runs: Number(MODEL_RUNS ?? options.runs ?? 100),
    mostCommands,
    seed: MODEL_SEED === undefined ? options.seed : Number(MODEL_SEED),
    path: MODEL_PATH ?? options.path,
    clock: options.clock,
    idsCountWithin: options.idsCountWithin,
  };
  describe(`${name}, compared with memory`, () => {
    test(
      "answers and shows the same, whatever is done",
      { timeout: TIMEOUT_MS },
      async ({ annotate }) => {
        // Only here: who runs the conformance suite alone needs no fast-check.
        const { checkScripts } = await import("./check-scripts.ts");
        let unsure = 0;
        const found = await checkScripts(factory, { ...request, onUnsure: () => (unsure += 1) });
        if (unsure > 0) {
          await annotate(
            `${unsure} of ${request.runs} scripts say nothing: too slow for their time.`,
          );
        }
        if (found !== undefined) expect.fail(`${name} isn't the same as memory. ${found}`);
      },
    );
  });
}
