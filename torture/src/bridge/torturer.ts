import { setTimeout as sleep } from "node:timers/promises";
import type { BridgeCrew, Hand, Post } from "./crew.ts";
import type { Address } from "./orders.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";

/** Longest wait for everything to come to rest. */
const PATIENCE_MS = 30_000;
/** Of groups that say nothing else: those of nodes without a name. */
const DEFAULT_LEASE_MS = 30_000;
/** In a row, so that nothing has changed meanwhile. */
const QUIET_LOOKS = 4;
const LOOK_MS = 100;

export interface TorturerOptions {
  readonly crew: BridgeCrew;
  readonly plan: Plan;
  readonly random: Random;
  readonly posts: readonly Post[];
  /** How long it must stay at rest. */
  readonly restMs: number;
}

/** Does to the processes of a crew what the seed says. */
export class Torturer {
  /** Times that it did something bad. */
  faults = 0;
  /** What went wrong besides what the journals say. */
  readonly problems: string[] = [];
  readonly #options: TorturerOptions;
  readonly #deeds: readonly (() => Promise<void>)[];

  constructor(options: TorturerOptions) {
    this.#options = options;
    const deeds = [
      () => this.#kill(),
      () => this.#freeze(),
      () => this.#order("restart"),
      () => this.#order("renew"),
      () => this.#quit(),
      ...(options.crew.hasServer ? [() => this.#restartServer(), () => this.#cut()] : []),
    ];
    // Every run does all of them, in an order of its own.
    const first = options.random.between(0, deeds.length - 1);
    this.#deeds = [...deeds.slice(first), ...deeds.slice(0, first)];
  }

  async begin(): Promise<void> {
    const { crew, posts } = this.#options;
    await crew.prepare(posts);
    for (const post of posts) crew.start(post);
    await crew.ready();
  }

  /** Load and faults, for about so long. */
  async torture(ms: number): Promise<void> {
    const { random } = this.#options;
    const end = performance.now() + ms;
    for (let n = 0; performance.now() < end; n += 1) {
      for (let loads = random.between(1, 3); loads > 0; loads -= 1) {
        this.#load();
        await sleep(random.between(20, 150));
      }
      const deed = n < this.#deeds.length ? this.#deeds[n] : random.pick(this.#deeds);
      await deed?.();
    }
    await this.#ask();
  }

  /** Waits until nothing happens any more; then nothing may happen for a while. */
  async rest(): Promise<void> {
    const { crew, restMs } = this.#options;
    // What a server that was killed has forgotten comes again when its lease is over.
    const patienceMs = PATIENCE_MS + (crew.hasServer ? DEFAULT_LEASE_MS : 0);
    const deadline = performance.now() + patienceMs;
    let [looks, last] = [0, -1];
    while (looks < QUIET_LOOKS) {
      await sleep(LOOK_MS);
      const { position, pending } = await this.#look();
      looks = position === last && pending.length === 0 ? looks + 1 : 0;
      last = position;
      if (performance.now() > deadline) {
        this.problems.push(`It did not come to rest: ${pending.join(", ") || "the log grows"}.`);
        break;
      }
    }
    crew.journal.write({ kind: "rest", last });
    await sleep(restMs);
    crew.journal.write({ kind: "disturbed", last: (await this.#look()).position });
  }

  /** Everybody stops cleanly. */
  async end(): Promise<void> {
    const { crew } = this.#options;
    const ends = await Promise.all(crew.hands.map((hand) => crew.quit(hand)));
    this.problems.push(...ends.flat());
  }

  /** So that what is done next happens in the middle of something. */
  #load(at?: Hand, to?: Address): void {
    const { crew, plan, random } = this.#options;
    const hand = at ?? random.pick(this.#coordinators());
    const given = random.chance(0.15) ? plan.askers() : plan.load(random.between(1, 12));
    crew.order(hand, to ?? this.#threadOf(hand), { do: "load", given });
  }

  /** Handlers wait for answers, and nobody is in their way. */
  async #ask(): Promise<void> {
    const { crew, plan } = this.#options;
    await crew.ready();
    for (const hand of this.#coordinators()) {
      crew.order(hand, this.#threadOf(hand), { do: "load", given: plan.askers() });
    }
  }

  async #kill(): Promise<void> {
    const { crew, random } = this.#options;
    const hand = this.#victim();
    this.#load();
    await sleep(random.between(0, 60));
    await crew.kill(hand);
    await sleep(random.between(0, 200));
    await crew.ready([crew.start(hand.post)]);
    this.faults += 1;
  }

  async #freeze(): Promise<void> {
    const { crew, random } = this.#options;
    const { by, process: child } = this.#victim();
    this.#load();
    await sleep(random.between(0, 60));
    crew.journal.write({ kind: "freeze", who: by });
    child.kill("SIGSTOP");
    const thaw = sleep(random.between(crew.leaseMs * 1.2, crew.leaseMs * 2.5));
    const probe = this.#probe();
    await thaw;
    child.kill("SIGCONT");
    crew.journal.write({ kind: "thaw", who: by });
    await probe;
    this.faults += 1;
  }

  async #restartServer(): Promise<void> {
    const { crew, random } = this.#options;
    this.#load();
    await sleep(random.between(0, 60));
    await crew.restartServer(random.between(0, 300));
    this.faults += 1;
  }

  async #cut(): Promise<void> {
    const { crew, random } = this.#options;
    this.#load();
    await sleep(random.between(0, 60));
    await crew.cut(() => random.chance(0.5));
    this.faults += 1;
  }

  /** A write, to see whether the one that is frozen is in everybody's way. */
  async #probe(): Promise<void> {
    const { crew } = this.#options;
    const begun = performance.now();
    const probe = { holder: "torturer", ttlMs: 1000 };
    const claims = crew.queues.map((queue) => queue.groups.claim("probe", probe));
    for (const claim of await Promise.all(claims)) await claim.release();
    const ms = Math.round(performance.now() - begun);
    if (ms > crew.leaseMs / 4) crew.journal.write({ kind: "blocked", ms });
  }

  async #order(what: "restart" | "renew"): Promise<void> {
    const { crew, random } = this.#options;
    const hand = random.pick(this.#coordinators());
    const to = this.#threadOf(hand);
    this.#load(hand, to);
    crew.order(hand, to, { do: what });
    this.faults += 1;
    await sleep(random.between(0, 100));
  }

  async #quit(): Promise<void> {
    const { crew } = this.#options;
    const hand = this.#victim();
    if (!hand.post.joins) this.#load(hand);
    this.problems.push(...(await crew.quit(hand)));
    await crew.ready([crew.start(hand.post)]);
    this.faults += 1;
  }

  #victim(): Hand {
    return this.#options.random.pick(this.#options.crew.hands);
  }

  #coordinators(): Hand[] {
    return this.#options.crew.hands.filter(({ post }) => !post.joins);
  }

  #threadOf({ post }: Hand): Address {
    return post.thread && this.#options.random.chance(0.5) ? "thread" : "main";
  }

  async #look(): Promise<{ position: number; pending: string[] }> {
    const { queues, hands } = this.#options.crew;
    const living = hands.map(({ process: { pid } }) => `node-${pid}.`);
    // Those of unnamed nodes that were killed are read by nobody any more.
    const isRead = (name: string): boolean =>
      !name.startsWith("node-") || living.some((start) => name.startsWith(start));
    const groups = (await Promise.all(queues.map((queue) => queue.groups.list()))).flat();
    const busy = groups.filter(({ name, pending }) => pending > 0 && isRead(name));
    const logs = await Promise.all(queues.map((queue) => queue.stats()));
    const position = logs.reduce((sum, { newestPosition = 0 }) => sum + newestPosition, 0);
    const pending = busy.map(({ name, pending: count }) => `${name} has ${count} pending`);
    return { position, pending };
  }
}
