import type { NodePlan } from "../scenario/scenario.ts";
import { Owner } from "../time/owner.ts";
import { Process } from "./process.ts";
import type { World } from "./world.ts";

/** How long whoever starts a node waits after it would not start. */
const START_AGAIN_MS = 1_000;

type Command =
  | { readonly do: "start" }
  | { readonly do: "stop" | "close"; readonly limitMs: number | undefined };

/** A node and whoever operates it: commands are carried out one after another, a crash at once. */
export class Node {
  readonly plan: NodePlan;
  /** Of its next process. */
  version: 1 | 2 = 1;
  process: Process | undefined;
  /** Until then its calls to queues are refused. */
  outageUntil = 0;
  readonly #world: World;
  readonly #commands: Command[] = [];
  #lives = 0;
  /** Of the command under way; changes when a crash ends it. */
  #turn = 0;
  #isBusy = false;

  constructor(plan: NodePlan, world: World) {
    this.plan = plan;
    this.#world = world;
  }

  /** Whether nothing is to be done with it any more. */
  get isIdle(): boolean {
    return !this.#isBusy && this.#commands.length === 0;
  }

  get isRunning(): boolean {
    return this.process?.state === "running";
  }

  command(command: Command): void {
    this.#commands.push(command);
    this.#next();
  }

  /** Ends its process after so many more tasks of it. */
  crash(afterTasks: number): void {
    const { process } = this;
    if (!process) return;
    let left = afterTasks;
    const now = (): void => {
      left -= 1;
      if (left > 0 || this.process !== process) return;
      process.crash();
      this.process = undefined;
      this.#turn += 1;
      this.#isBusy = false;
      this.#next();
    };
    process.owner.afterTask = now;
    if (afterTasks <= 0) now();
  }

  /** A crash that has not come about yet won't. */
  spare(): void {
    if (this.process) this.process.owner.afterTask = undefined;
  }

  #next(): void {
    if (this.#isBusy) return;
    const command = this.#commands.shift();
    if (!command) return;
    this.#isBusy = true;
    const turn = this.#turn;
    void this.#carryOut(command).then(() => {
      if (turn !== this.#turn) return;
      this.#isBusy = false;
      this.#world.owner.run(() => this.#next());
    });
  }

  async #carryOut(command: Command): Promise<void> {
    if (command.do === "start") return this.#start();
    const { process } = this;
    if (!process || (command.do === "stop" && process.state !== "running")) return;
    await process.owner.run(() => process[command.do](command.limitMs));
    if (command.do === "close") this.process = undefined;
  }

  async #start(): Promise<void> {
    const process = (this.process ??= this.#spawn());
    if (process.state === "running") return;
    if (await process.owner.run(() => process.start())) return;
    if (this.#commands.some((command) => command.do === "start")) return;
    this.#commands.push({ do: "start" });
    await this.#world.owner.run(
      () => new Promise((resolve) => void setTimeout(resolve, START_AGAIN_MS)),
    );
  }

  #spawn(): Process {
    this.#lives += 1;
    const { plan, version } = this;
    const world = this.#world;
    const owner = new Owner(`${plan.name}#${this.#lives}`, world.scheduler);
    return owner.run(() => new Process({ world, node: this, life: this.#lives, version }, owner));
  }
}
