import { isByBus, type Ledger } from "../ledger.ts";
import type { Scenario, Step } from "../scenario/scenario.ts";
import { currentOwner } from "../time/owner.ts";
import { enterVirtualTime } from "../time/virtual-time.ts";
import { SCRIPTED } from "./handling.ts";
import { Node } from "./node.ts";
import { publish } from "./publishing.ts";
import { World } from "./world.ts";

/** Tasks after which a run counts as one that never ends. */
const MOST_TASKS = 300_000;
/** Longer than the claim of a name runs that a crash left behind. */
const AWAIT_START_MS = 20_000;
const AWAIT_LOOK_MS = 20;
const LOOK_EVERY_MS = 200;
/** How long it may take until nothing is left to do: twice as long as the longest lease, and then some. */
const RESTLESS_AFTER_MS = 150_000;
/** How long nothing may happen then: longer than a lease and a long poll. */
const REST_MS = 35_000;

/** Runs a scenario to its end: the steps, then everybody is started and left alone, then everybody is closed. */
export async function run(scenario: Scenario): Promise<Ledger> {
  const time = enterVirtualTime();
  try {
    const world = new World(scenario);
    time.furnish({
      random: () => world.random.next(),
      onWarning: (code, message) => warn(world, code, message),
    });
    world.owner.run(() => new Script(world).begin());
    await world.scheduler.run(MOST_TASKS);
    time.passed(world.scheduler.now);
    return world.ledger;
  } finally {
    time.leave();
  }
}

/** Writes down a process warning, unless it tells of what a handler was told to do. */
function warn(world: World, code: string, message: string): void {
  if (message.includes(SCRIPTED)) return;
  const [node = "world", life = "0"] = currentOwner()?.name.split("#") ?? [];
  const writer = { at: world.scheduler.now, node, life: Number(life) };
  world.ledger.write(writer, { what: "warning", code, message: world.ledger.text(message) });
}

class Script {
  readonly #world: World;
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #steps: Step[];
  #published = 0;
  #quietSince = 0;
  #seen = 0;
  #deadline = 0;

  constructor(world: World) {
    this.#world = world;
    this.#nodes = new Map(world.scenario.nodes.map((plan) => [plan.name, new Node(plan, world)]));
    this.#steps = [...world.scenario.steps];
  }

  begin(): void {
    const step = this.#steps.shift();
    if (!step) {
      this.#settle();
      return;
    }
    setTimeout(() => {
      const node = this.#nodes.get(step.node);
      if (!node) return this.begin();
      if (step.do === "await-start") return this.#awaitStart(node, AWAIT_START_MS);
      this.#take(step, node);
      this.begin();
    }, step.waitMs);
  }

  #awaitStart(node: Node, leftMs: number): void {
    if (node.isRunning || node.isIdle || leftMs < 0) return this.begin();
    setTimeout(() => this.#awaitStart(node, leftMs - AWAIT_LOOK_MS), AWAIT_LOOK_MS);
  }

  #take(step: Exclude<Step, { do: "await-start" }>, node: Node): void {
    switch (step.do) {
      case "start":
        return node.command({ do: "start" });
      case "stop":
      case "close":
        return node.command({ do: step.do, limitMs: step.limitMs });
      case "crash":
        return node.crash(step.afterTasks);
      case "deploy":
        node.version = step.version;
        return;
      case "outage":
        node.outageUntil = this.#world.scheduler.now + step.forMs;
        return;
      case "publish":
        for (let count = 0; count < step.count; count += 1) this.#publish(step, node);
    }
  }

  #publish(step: Extract<Step, { do: "publish" }>, node: Node): void {
    this.#published += 1;
    const { process } = node;
    if (!process) return;
    const isEarly = process.state === "starting";
    if (process.state !== "running" && !(isEarly && isByBus(step.via))) return;
    const { topic, via, key } = step;
    const queue = node.plan.queue;
    const publishing = { tag: `p${this.#published}`, topic, via, key, queue };
    void process.owner.run(() => publish(process, publishing));
  }

  /** Everybody is there, nothing goes wrong any more. */
  #settle(): void {
    this.#world.isFaulty = false;
    for (const node of this.#nodes.values()) {
      node.spare();
      node.command({ do: "start" });
    }
    this.#deadline = this.#world.scheduler.now + RESTLESS_AFTER_MS;
    this.#look();
  }

  #look(): void {
    const { ledger, logs, scheduler } = this.#world;
    const nodes = [...this.#nodes.values()];
    const pending = logs.flatMap((log) => log.pending());
    const isQuiet =
      pending.length === 0 &&
      ledger.entries.length === this.#seen &&
      nodes.every(({ isIdle, isRunning, process }) => {
        return isIdle && isRunning && process?.open === 0 && process.spooled === 0;
      });
    this.#seen = ledger.entries.length;
    if (!isQuiet) this.#quietSince = scheduler.now;
    if (scheduler.now - this.#quietSince > 2 * LOOK_EVERY_MS) {
      this.#world.write({ what: "rest", newest: this.#newest() });
      setTimeout(() => this.#end(), REST_MS);
    } else if (scheduler.now > this.#deadline) {
      const open = nodes.flatMap(({ plan, process }) =>
        process && process.open > 0 ? [`${plan.name} has ${process.open} open`] : [],
      );
      this.#world.write({ what: "restless", pending: [...pending, ...open] });
      scheduler.end();
    } else {
      setTimeout(() => this.#look(), LOOK_EVERY_MS);
    }
  }

  #end(): void {
    this.#world.write({ what: "end-of-run", newest: this.#newest() });
    for (const node of this.#nodes.values()) node.command({ do: "close", limitMs: undefined });
    const closed = (): void => {
      if ([...this.#nodes.values()].every((node) => !node.process)) this.#world.scheduler.end();
      else setTimeout(closed, LOOK_EVERY_MS);
    };
    closed();
  }

  #newest(): number[] {
    return this.#world.logs.map((log) => log.newest);
  }
}
