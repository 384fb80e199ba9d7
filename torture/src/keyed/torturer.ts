import { setTimeout as sleep } from "node:timers/promises";
import type { EventQueue } from "@ringrift/event-queue";
import type { Random } from "../bridge/random.ts";
import type { KeyedCrew } from "./crew.ts";
import type { KeyedFault, KeyedPlan } from "./plan.ts";
import type { KeyedServers } from "./servers.ts";
import type { SlowProxy } from "test-servers";

/** Longest wait, once the load has ended, until everything is handled. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 200;
/** How often dead letters are redriven, at most. */
const REDRIVE_MS = 1_000;

export interface KeyedTorturerOptions {
  readonly crew: KeyedCrew;
  readonly plan: KeyedPlan;
  readonly random: Random;
  readonly servers: KeyedServers;
  /** On the way from consumers to the server, if there is one. */
  readonly proxy: SlowProxy | undefined;
  readonly queue: EventQueue;
  /** The queue's name in the server. */
  readonly stream: string;
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
    if (fault === "server" || fault === "cluster") return this.#restartServer();
    if (fault === "loss") return this.#lose();
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

  /** `kill -9` of a server, which keeps its store. */
  async #restartServer(): Promise<void> {
    const { crew, servers, random } = this.#options;
    crew.journal.write({ kind: "away", what: "server" });
    const start = await servers.kill(random);
    await sleep(random.between(0, 500));
    await start();
    await this.#answers();
    crew.journal.write({ kind: "back", what: "server" });
  }

  /** The server loses what it stored in a stretch of the load: of the log alone, of it and its groups, or of everything. */
  async #lose(): Promise<void> {
    const { crew, servers, random, stream } = this.#options;
    const parts = random.pick([[`${stream}/msgs`], [stream], [stream, `${stream}-state`]]);
    crew.journal.write({ kind: "away", what: "server" });
    await servers.lose(parts, () => sleep(random.between(500, 2_500)));
    await this.#answers();
    crew.journal.write({ kind: "rewound", parts });
    crew.journal.write({ kind: "back", what: "server" });
  }

  /** Resolves when the queue can be asked again: a cluster elects leaders first. */
  async #answers(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        await this.#options.queue.groups.list();
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await sleep(LOOK_MS);
      }
    }
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
