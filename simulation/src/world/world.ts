import { Ledger, type WorldFact } from "../ledger.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { Owner } from "../time/owner.ts";
import { Random } from "../time/random.ts";
import { Scheduler } from "../time/scheduler.ts";
import { SimulatedLog } from "./simulated-log.ts";

/** Everything around the processes of a run: time, chance, the logs of the queues, and the ledger. */
export class World {
  readonly scenario: Scenario;
  readonly ledger: Ledger = new Ledger();
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly owner: Owner;
  readonly logs: readonly SimulatedLog[];
  /** Whether calls to queues may go wrong. */
  isFaulty = true;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.random = new Random(scenario.schedule);
    this.scheduler = new Scheduler(this.random);
    this.owner = new Owner("world", this.scheduler);
    this.logs = this.owner.run(() =>
      Array.from({ length: scenario.queues }, (_, queue) => new SimulatedLog(queue, this)),
    );
  }

  write(fact: WorldFact): void {
    this.ledger.write({ at: this.scheduler.now, node: "world", life: 0 }, fact);
  }

  logOf(queue: number): SimulatedLog {
    const log = this.logs[queue];
    if (!log) throw new Error(`There is no queue ${queue}.`);
    return log;
  }

  /** For what the world does on behalf of a process; it goes on when that ends. */
  ownerFor(process: Owner): Owner {
    return new Owner("world", this.scheduler, process);
  }

  /** How long a call, an answer or a ring takes. */
  latency(): number {
    const { random } = this;
    if (this.isFaulty && random.next() * 1000 < this.scenario.faults.slow) {
      return random.between(20, 400);
    }
    return random.chance(60) ? 0 : random.between(1, 4);
  }

  /** What goes wrong with a call. */
  fault(): "lost" | "refused" | undefined {
    const { lost, refused } = this.scenario.faults;
    const drawn = this.random.next() * 1000;
    if (!this.isFaulty || drawn >= lost + refused) return undefined;
    return drawn < lost ? "lost" : "refused";
  }
}
