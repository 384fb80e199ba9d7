import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { KeyedConsumerOptions } from "../actors/keyed-consumer.ts";
import type { KeyedPublisherOptions } from "../actors/keyed-publisher.ts";
import { Journal, readJournals } from "../journal.ts";
import type { KeyedRemains } from "./remains.ts";
import type { Entry, Said } from "./said.ts";

/** Longest wait for a process to begin, and to end when it was asked to. */
const PATIENCE_MS = 30_000;
const MOST_TEXT = 2_000;
const COMPILED = join(tmpdir(), "ringrift-torture-compiled");

type Told = Pick<KeyedConsumerOptions, "journals" | "by">;
/** How a process is started: by which program, and what it is told. */
export type Job =
  | { readonly role: "publisher"; readonly options: Omit<KeyedPublisherOptions, keyof Told> }
  | { readonly role: "consumer"; readonly options: Omit<KeyedConsumerOptions, keyof Told> };

/** A process of a run. */
export interface Hand {
  readonly job: Job;
  /** Its journal's name. */
  readonly by: string;
  readonly process: ChildProcess;
}

/** The processes of a run, and their journals. */
export class KeyedCrew {
  readonly folder: string = mkdtempSync(join(tmpdir(), "ringrift-keys-"));
  readonly journal: Journal<Said>;
  readonly #journals: string;
  readonly #hands = new Set<Hand>();
  #started = 0;
  readonly #complaints = new Map<string, string>();
  #isKept = false;

  constructor() {
    this.#journals = journalsIn(this.folder);
    mkdirSync(this.#journals);
    this.journal = new Journal<Said>(this.#journals, "torturer");
  }

  get hands(): readonly Hand[] {
    return [...this.#hands];
  }

  get consumers(): readonly Hand[] {
    return this.hands.filter(({ job }) => job.role === "consumer");
  }

  start(job: Job): Hand {
    this.#started += 1;
    const by = `${job.role}-${this.#started}`;
    const options = { ...job.options, journals: this.#journals, by };
    const file = fileURLToPath(new URL(`../actors/keyed-${job.role}.ts`, import.meta.url));
    const child = spawn(
      process.execPath,
      ["--conditions=@ringrift/source", file, JSON.stringify(options)],
      {
        stdio: ["ignore", "ignore", "pipe"],
        env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
      },
    );
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints.set(by, `${this.#complaints.get(by) ?? ""}${text}`);
    });
    const hand = { job, by, process: child };
    this.#hands.add(hand);
    return hand;
  }

  /** `kill -9`, and somebody else takes its place: resolves when they have begun. */
  async replace(hand: Hand): Promise<void> {
    this.journal.write({ kind: "kill", who: hand.by });
    hand.process.kill("SIGKILL");
    await this.#gone(hand);
    await this.ready([this.start(hand.job)]);
  }

  /** Asks for the end, and waits for it; says what is wrong with it. */
  async dismiss(hand: Hand): Promise<string[]> {
    hand.process.kill("SIGTERM");
    const isGone = await Promise.race([
      this.#gone(hand).then(() => true),
      sleep(PATIENCE_MS, false, { ref: false }),
    ]);
    if (!isGone) return [`${hand.by} did not stop. ${this.#complaintsOf(hand)}`];
    const { exitCode, signalCode } = hand.process;
    // Whoever was asked before it could listen has had no time to do anything.
    if (exitCode === 0 || signalCode === "SIGTERM") return [];
    return [`${hand.by} ended with ${exitCode ?? signalCode}. ${this.#complaintsOf(hand)}`];
  }

  async freeze({ by, process: child }: Hand, ms: number): Promise<void> {
    this.journal.write({ kind: "freeze", who: by });
    child.kill("SIGSTOP");
    await sleep(ms);
    child.kill("SIGCONT");
    this.journal.write({ kind: "thaw", who: by });
  }

  /** Waits until they have begun. */
  async ready(hands: readonly Hand[] = this.hands): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      // The first thing that anybody says is that they have begun.
      if (hands.every(({ by }) => hasSpoken(join(this.#journals, `${by}.jsonl`)))) return;
      if (performance.now() > deadline)
        throw new Error(`Not all began. ${[...this.#complaints.values()].join("")}`);
      await sleep(50);
    }
  }

  entries(): Entry[] {
    return readJournals<Entry>(this.#journals);
  }

  /**
   * Leaves the journals where they are, with what was left, so that they can be judged again, and a copy of the server's
   * folder; returns where.
   */
  keep(remains: KeyedRemains, server: string): string {
    this.#isKept = true;
    cpSync(server, join(this.folder, "server"), { recursive: true });
    writeFileSync(remainsIn(this.folder), JSON.stringify(remains));
    return this.folder;
  }

  /** Ends everybody, and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const hand of this.hands) {
      hand.process.kill("SIGKILL");
      await this.#gone(hand);
    }
    if (!this.#isKept) rmSync(this.folder, { recursive: true, force: true });
  }

  #complaintsOf({ by }: Hand): string {
    return (this.#complaints.get(by) ?? "").slice(-MOST_TEXT);
  }

  async #gone(hand: Hand): Promise<void> {
    const { exitCode, signalCode } = hand.process;
    if (exitCode === null && signalCode === null) await once(hand.process, "exit");
    this.#hands.delete(hand);
  }
}

function hasSpoken(journal: string): boolean {
  return (statSync(journal, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

export function journalsIn(folder: string): string {
  return join(folder, "journals");
}

export function remainsIn(folder: string): string {
  return join(folder, "remains.json");
}
