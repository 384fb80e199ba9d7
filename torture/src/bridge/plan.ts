import { type Call, CALLS } from "./catalogue.ts";
import type { Bugs } from "./known-bugs.ts";
import type { Given } from "./orders.ts";
import type { Random } from "./random.ts";

const KEYS = 4;
/** Calls that take a key. */
const STORING: ReadonlySet<Call> = new Set(["events.publish", "emitters", "queue.send"]);
/** Own events whose handlers wait for an answer at once: more than a node has places for. */
const MANY_ASKERS = 24;

export interface PlanOptions {
  readonly random: Random;
  readonly bugs: Bugs;
  readonly leaseMs: number;
}

/** Makes the tasks of a run, each with a name of its own. */
export class Plan {
  readonly #options: PlanOptions;
  #made = 0;

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  /** So many tasks for one publisher. */
  load(count: number): Given[] {
    return Array.from({ length: count }, () => this.#give());
  }

  /** Tasks whose publisher waits for all their answers at once. */
  askers(): Given[] {
    return Array.from({ length: MANY_ASKERS }, () => {
      const { task } = this.#give();
      const plain = { ...task, failures: 0, isPoison: false, hasDetour: false, burnMs: 0 };
      // Its subscribers would wait in turn if they had one key.
      const { key: _, ...asking } = { ...plain, asks: true, workMs: 1 };
      return { task: asking, how: "bus.publish" };
    });
  }

  #give(): Given {
    const { random, bugs, leaseMs } = this.#options;
    this.#made += 1;
    const how = random.pick(CALLS);
    const keyed = bugs.has("catalogueKeys") || STORING.has(how);
    const some = (most: number, of: readonly Call[]): Call[] =>
      Array.from({ length: random.between(0, most) }, () => random.pick(of));
    return {
      how,
      task: {
        name: `t${this.#made}`,
        ...(keyed && random.chance(0.5) && { key: `k${random.between(1, KEYS)}` }),
        failures: random.chance(0.3) ? random.between(1, 2) : 0,
        isPoison: random.chance(0.03),
        children: some(3, CALLS),
        hasDetour: random.chance(0.1),
        workMs: random.chance(0.8) ? random.between(0, 10) : random.between(10, 100),
        burnMs: random.chance(0.02) ? Math.round(leaseMs * 1.3) : 0,
        asks: false,
        echoes: random.chance(0.2) ? some(2, CALLS) : [],
        isUnheard: random.chance(0.05),
      },
    };
  }
}
