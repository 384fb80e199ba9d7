import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CrossProcessEventQueue } from "@ringrift/cross-process-queue";
import type { ConsumerOptions } from "./actors/consumer.ts";
import type { PublisherOptions } from "./actors/publisher.ts";
import type { WorkerOptions } from "./actors/worker.ts";
import { type Entry, readJournals } from "./journal.ts";
import { judge, type LoggedEvent, type Verdict } from "./verdict.ts";

/** The group that everybody works in. */
export const GROUP = "workers";
/** Longest wait for what is left to be worked off, and for a process to stop. */
const PATIENCE_MS = 30_000;
const MOST_EVENTS = 100_000;
/** So that those who replace others begin in a third of the time. */
const COMPILED = join(tmpdir(), "ringrift-torture-compiled");

type Member = "publisher" | "consumer" | "worker";
type MemberOptions = PublisherOptions & ConsumerOptions & WorkerOptions;
type Settings = Partial<Omit<MemberOptions, "path" | "journals" | "by">>;

/** How a process of a run is started. */
export interface HandOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Of Node.js. */
  readonly flags?: readonly string[];
  readonly settings?: Settings;
}

/** A process of a run. */
export interface Hand {
  readonly process: ChildProcess;
  readonly role: Member;
}

/** A queue file in a folder of its own, the processes that work on it, and what they say. */
export class Crew {
  readonly folder: string;
  /** The queue's file. */
  readonly path: string;
  /** The folder of the journals. */
  readonly journals: string;
  readonly #hands = new Set<Hand>();
  readonly #settings: Settings;
  #started = 0;
  #complaints = "";

  /** `place`: the folder for the queue's file. @default a temporary one */
  constructor(settings: Settings = {}, place?: string) {
    this.folder = mkdtempSync(join(tmpdir(), "ringrift-torture-"));
    this.path = join(place ?? this.folder, "events.db");
    this.journals = join(this.folder, "journals");
    this.#settings = settings;
    mkdirSync(this.journals);
  }

  get hands(): readonly Hand[] {
    return [...this.#hands];
  }

  /** Starts a process, with these settings added to the crew's. */
  start(role: Member, how: HandOptions = {}): Hand {
    const { environment = {}, flags = [], settings = {} } = how;
    this.#started += 1;
    const options: MemberOptions = {
      path: this.path,
      journals: this.journals,
      by: `${role}-${this.#started}`,
      group: GROUP,
      keys: 20,
      padding: 100,
      pauseMs: 1,
      outstanding: 1,
      leaseMs: 1000,
      workMs: 0,
      slowMs: 0,
      ...this.#settings,
      ...settings,
    };
    const file = fileURLToPath(new URL(`actors/${role}.ts`, import.meta.url));
    const child = spawn(
      process.execPath,
      ["--conditions=@ringrift/source", ...flags, file, JSON.stringify(options)],
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, ...environment },
      },
    );
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
    const hand = { process: child, role };
    this.#hands.add(hand);
    return hand;
  }

  /** `kill -9`. */
  async kill(hand: Hand): Promise<void> {
    hand.process.kill("SIGKILL");
    await this.#gone(hand);
  }

  /** Asks for the end, and waits for it. */
  async dismiss(hand: Hand): Promise<void> {
    hand.process.kill("SIGTERM");
    const isGone = await Promise.race([
      this.#gone(hand).then(() => true),
      sleep(PATIENCE_MS, false, { ref: false }),
    ]);
    if (!isGone) throw new Error(`A ${hand.role} did not stop. ${this.#complaints}`);
    const { exitCode, signalCode } = hand.process;
    // Who was asked before it could listen has had no time to do anything.
    if (signalCode === "SIGTERM") return;
    if (exitCode !== 0) throw new Error(`A ${hand.role} failed: ${exitCode}. ${this.#complaints}`);
  }

  /** Waits until everybody has begun. */
  ready(): Promise<void> {
    return this.#said("ready", this.#started, 1);
  }

  /** Waits until so many events of each publisher were acknowledged. */
  sent(count: number): Promise<void> {
    const publishers = this.hands.filter(({ role }) => role === "publisher");
    return this.#said("sent", publishers.length, count);
  }

  /** Stops the publishers, lets the consumers work off what is left, and judges. */
  async finish(): Promise<Verdict> {
    for (const hand of this.hands) if (hand.role === "publisher") await this.dismiss(hand);
    const queue = new CrossProcessEventQueue(this.path);
    try {
      const deadline = performance.now() + PATIENCE_MS;
      let pending = await pendingOf(queue);
      while (pending > 0 && performance.now() < deadline) {
        await sleep(50);
        pending = await pendingOf(queue);
      }
      for (const hand of this.hands) await this.dismiss(hand);
      const dead = await queue.deadLetters.list({ limit: MOST_EVENTS });
      const remains = {
        events: await allEvents(queue),
        dead: dead.map(({ id }) => id),
        pending,
      };
      return judge(readJournals(this.journals), remains);
    } finally {
      await queue.close();
    }
  }

  /** Ends everybody, and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const hand of this.hands) {
      hand.process.kill("SIGCONT");
      await this.kill(hand);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #said(what: Entry["kind"], processes: number, times: number): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const said = readJournals(this.journals).filter(({ kind }) => kind === what);
      const often = [...Map.groupBy(said, ({ by }) => by).values()].filter(
        ({ length }) => length >= times,
      );
      if (often.length >= processes) return;
      if (performance.now() > deadline) throw new Error(`Nobody was ${what}. ${this.#complaints}`);
      await sleep(50);
    }
  }

  async #gone(hand: Hand): Promise<void> {
    const { exitCode, signalCode } = hand.process;
    if (exitCode === null && signalCode === null) await once(hand.process, "exit");
    this.#hands.delete(hand);
  }
}

async function pendingOf(queue: CrossProcessEventQueue): Promise<number> {
  const groups = await queue.groups.list();
  return groups.find(({ name }) => name === GROUP)?.pending ?? 0;
}

/** Everything that is in the log. */
export async function allEvents(queue: CrossProcessEventQueue): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for (let after = 0; ;) {
    const page = await queue.history({ after, limit: 10_000 });
    for (const { id, position, key, payload } of page) {
      events.push({ id, position, key, payload: payload as LoggedEvent["payload"] });
      after = position;
    }
    if (page.length === 0) return events;
  }
}
