import { setTimeout as sleep } from "node:timers/promises";
import type { EventQueue } from "@ringrift/event-queue";
import type { NatsServer } from "test-servers";
import type { Random } from "../bridge/random.ts";
import type { KeyedCrew } from "./crew.ts";
import type { KeyedFault, KeyedPlan } from "./plan.ts";
import type { SlowProxy } from "./slow-proxy.ts";

/** Longest wait, once the load has ended, until everything is handled. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 200;
/** How often dead letters are redriven, at most. */
const REDRIVE_MS = 1_000;

export interface KeyedTorturerOptions {
  readonly crew: KeyedCrew;
  readonly plan: KeyedPlan;
  readonly random: Random;
  readonly server: NatsServer;
  /** On the way from consumers to the server, if there is one. */
  readonly proxy: SlowProxy | undefined;
  readonly queue: EventQueue;
  readonly group: string;
}

/** Does to the processes and to the server what the seed says, while dead letters are redriven. */
export class KeyedTorturer {
  faults = 0;
  /** What went wrong besides what the journals say. */
  readonly problems: string[] = [];
  readonly #options: KeyedTorturerOptions;

  constructor(options: KeyedTorturerOptions) {
    this.#options = options;
  }

  /** Load and faults, for about so long. */
  async torture(ms: number): Promise<void> {
    const { plan, random } = this.#options;
    const end = performance.now() + ms;
    const redriving = this.#redriveUntil(end);
    while (performance.now() < end) {
      await sleep(random.between(50, plan.pauseMs));
      await this.#do(random.pick(plan.faults));
      this.faults += 1;
    }
    await redriving;
  }

  /** Nobody sends any more, and what is left is handled. */
  async calm(): Promise<void> {
    const { crew, queue, group } = this.#options;
    for (const hand of crew.hands) {
      if (hand.job.role === "publisher") this.problems.push(...(await crew.dismiss(hand)));
    }
    crew.journal.write({ kind: "calm" });
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = (await queue.groups.list()).find(({ name }) => name === group);
      const { pending = 0, inFlight = 0, retrying = 0 } = found ?? {};
      if (pending + inFlight + retrying === 0) return;
      if (performance.now() > deadline) break;
      await sleep(LOOK_MS);
    }
  }

  /** Everybody stops cleanly. */
  async end(): Promise<void> {
    const { crew } = this.#options;
    const ends = await Promise.all(crew.hands.map((hand) => crew.dismiss(hand)));
    this.problems.push(...ends.flat());
  }

  async #do(fault: KeyedFault): Promise<void> {
    const { crew, plan, random } = this.#options;
    if (fault === "server") return this.#restartServer();
    if (fault === "cut") return this.#cut();
    const hand = random.pick(crew.consumers);
    if (fault === "kill") return crew.replace(hand);
    if (fault === "restart") {
      this.problems.push(...(await crew.dismiss(hand)));
      await crew.ready([crew.start(hand.job)]);
      return undefined;
    }
    const longest = Math.max(...plan.consumers.map(({ leaseMs }) => leaseMs));
    await crew.freeze(hand, random.between(longest, 3 * longest));
    return undefined;
  }

  /** `kill -9` of the server, which keeps its store. */
  async #restartServer(): Promise<void> {
    const { crew, server, random } = this.#options;
    crew.journal.write({ kind: "away", what: "server" });
    await server.kill();
    await sleep(random.between(0, 500));
    await server.run();
    crew.journal.write({ kind: "back", what: "server" });
  }

  /** Cuts the connections of some consumers. */
  #cut(): void {
    const { crew, proxy, random } = this.#options;
    crew.journal.write({ kind: "away", what: "way" });
    proxy?.cut(() => random.chance(0.5));
    crew.journal.write({ kind: "back", what: "way" });
  }

  async #redriveUntil(end: number): Promise<void> {
    while (performance.now() < end) {
      await sleep(this.#options.random.between(100, REDRIVE_MS));
      try {
        await this.#redrive();
      } catch {
        // The server is away: what was being redriven is looked at again.
      }
    }
  }

  async #redrive(): Promise<void> {
    const { crew, queue, group } = this.#options;
    const letters = await queue.deadLetters.list({ group, limit: 20 });
    for (const { id, error } of letters) {
      const code = error.code ?? error.name;
      crew.journal.write({ kind: "redriving", id, code });
      const { count } = await queue.deadLetters.redrive({ id, group });
      crew.journal.write({ kind: "redriven", id, count });
    }
  }
}
