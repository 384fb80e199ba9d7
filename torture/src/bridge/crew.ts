import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { EventQueue } from "@ringrift/event-queue";
import { NatsServer, SlowProxy } from "test-servers";
import { Journal, readJournals } from "../journal.ts";
import { openPlace, type QueuePlace } from "../queue-place.ts";
import type { QueueKind } from "../scenario.ts";
import type { BugName } from "./known-bugs.ts";
import type { Address, JointOptions, MemberOptions, Order } from "./orders.ts";
import type { Entry, Said } from "./said.ts";

/** Longest wait for a process to begin, or to end by itself. */
const PATIENCE_MS = 30_000;
/** Until whoever was cut off is connected again. */
const BACK_MS = 500;
const COMPILED = join(tmpdir(), "ringrift-torture-compiled");

/** A place for a process: whoever is killed or quits is replaced by another one there. */
export interface Post {
  readonly name: string;
  readonly node?: string;
  readonly works: boolean;
  /** Which queue it is on. @default 0 */
  readonly file?: number;
  /** It has no coordinator, and joins the two queues. */
  readonly joins?: boolean;
  /** A second coordinator in a worker thread. */
  readonly thread?: { readonly node?: string; readonly works: boolean };
}

/** A process at its post. */
export interface Hand {
  readonly post: Post;
  /** Its journal's name; that of its thread is `<by>+1`. */
  readonly by: string;
  readonly process: ChildProcess;
}

export interface CrewOptions {
  readonly leaseMs: number;
  readonly bugs: readonly BugName[];
  /** Queues: one, or two. */
  readonly count: number;
  /** What they are kept in. */
  readonly kind: QueueKind;
}

/** What a crew finds: its queues, and where they are. */
interface Ground {
  readonly folder: string;
  readonly places: readonly QueuePlace[];
  readonly queues: readonly EventQueue[];
  /** Of queues that are kept in one: the server, and the slow way to it. */
  readonly server: NatsServer | undefined;
  readonly way: SlowProxy | undefined;
}

/** On the way to a server. */
const LATENCY_MS = 5;

/** The processes of a run on one queue, or on two that are joined, and their journals. */
export class BridgeCrew {
  readonly queues: readonly EventQueue[];
  readonly journal: Journal<Said>;
  readonly leaseMs: number;
  readonly #folder: string;
  readonly #places: readonly QueuePlace[];
  readonly #server: NatsServer | undefined;
  readonly #way: SlowProxy | undefined;
  readonly #journals: string;
  readonly #bugs: readonly BugName[];
  readonly #hands = new Map<string, Hand>();
  #started = 0;
  #complaints = "";
  #isKept = false;

  private constructor({ leaseMs, bugs }: CrewOptions, ground: Ground) {
    this.#folder = ground.folder;
    this.#places = ground.places;
    this.#server = ground.server;
    this.#way = ground.way;
    this.#journals = join(this.#folder, "journals");
    mkdirSync(this.#journals);
    this.leaseMs = leaseMs;
    this.#bugs = bugs;
    this.queues = ground.queues;
    this.journal = new Journal<Said>(this.#journals, "torturer");
  }

  static async open(options: CrewOptions): Promise<BridgeCrew> {
    const folder = mkdtempSync(join(tmpdir(), "ringrift-bridge-"));
    const server = options.kind === "nats" ? await NatsServer.start() : undefined;
    const way = server && (await SlowProxy.to(server.port, LATENCY_MS));
    const names = ["events", "others"].slice(0, options.count);
    const placesBy = (url: string | undefined): QueuePlace[] =>
      names.map((name) =>
        url === undefined
          ? { kind: "files", path: join(folder, `${name}.db`) }
          : { kind: "nats", url, stream: name },
      );
    const queues = await Promise.all(placesBy(server?.url).map((place) => openPlace(place)));
    return new BridgeCrew(options, { folder, places: placesBy(way?.url), queues, server, way });
  }

  /** Whether the queues are in a server, which can be killed, and cut off. */
  get hasServer(): boolean {
    return this.#server !== undefined;
  }

  /** `kill -9` of the server, which keeps its store, and is there again after so long. */
  async restartServer(afterMs: number): Promise<void> {
    await this.#blocking(async () => {
      this.journal.write({ kind: "server-killed" });
      await this.#server?.kill();
      await sleep(afterMs);
      await this.#server?.run();
      await Promise.all(this.queues.map((queue) => queue.stats()));
    });
  }

  /** Resets those connections to the server that the choice falls on. */
  async cut(isChosen: () => boolean): Promise<void> {
    await this.#blocking(async () => {
      this.#way?.cut(isChosen);
      await sleep(BACK_MS);
    });
  }

  /** Whatever is leased may run out meanwhile, and a moment later, until all are connected again. */
  async #blocking(work: () => Promise<void>): Promise<void> {
    const begun = performance.now();
    await work();
    await sleep(BACK_MS);
    this.journal.write({ kind: "blocked", ms: Math.round(performance.now() - begun) });
  }

  get hands(): readonly Hand[] {
    return [...this.#hands.values()];
  }

  /** Fixes where the nodes of these posts begin to read, so that they must get everything. */
  async prepare(posts: readonly Post[]): Promise<void> {
    const { leaseMs } = this;
    for (const { node, thread, file = 0 } of posts) {
      for (const name of [node, thread?.node]) {
        if (name === undefined) continue;
        const policy = { from: "now", leaseMs, maxAttempts: 1000 } as const;
        await this.queues[file]?.group(name, policy).ensure();
      }
    }
  }

  start(post: Post): Hand {
    this.#started += 1;
    const by = `${post.name}.${this.#started}`;
    const actor = `../actors/${post.joins ? "queue-joint" : "bridge-node"}.ts`;
    const options = post.joins ? this.#jointOptions(post, by) : this.#memberOptions(post, by);
    const child = fork(fileURLToPath(new URL(actor, import.meta.url)), [JSON.stringify(options)], {
      execArgv: ["--conditions=@ringrift/source"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
    const hand = { post, by, process: child };
    this.#hands.set(post.name, hand);
    return hand;
  }

  order({ process: child }: Hand, to: Address, order: Order): void {
    child.send({ to, ...order });
  }

  /** `kill -9`, in the middle of whatever it does. */
  async kill({ post, by, process: child }: Hand): Promise<void> {
    this.journal.write({ kind: "kill", who: by });
    child.kill("SIGKILL");
    await gone(child);
    this.#hands.delete(post.name);
    const groups = (await Promise.all(this.queues.map((queue) => queue.groups.list()))).flat();
    const cursors = Object.fromEntries(groups.map(({ name, cursor }) => [name, cursor]));
    this.journal.write({ kind: "killed", who: by, cursors });
  }

  /** Asks for the end; says what is wrong with it. */
  async quit(hand: Hand): Promise<string[]> {
    const { by, process: child, post } = hand;
    this.order(hand, "main", { do: "quit" });
    const isGone = await Promise.race([
      gone(child).then(() => true),
      sleep(PATIENCE_MS, false, { ref: false }),
    ]);
    if (!isGone) return [`${by} closed everything, or tried to, and did not end by itself.`];
    this.#hands.delete(post.name);
    const { exitCode, signalCode } = child;
    if (exitCode === 0) return [];
    return [`${by} ended with ${exitCode ?? signalCode}. ${this.#complaints}`];
  }

  /** Waits until every coordinator of these processes has started. */
  async ready(hands: readonly Hand[] = this.hands): Promise<void> {
    const wanted = hands.flatMap(({ by, post }) => (post.thread ? [by, `${by}+1`] : [by]));
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const up = new Set(
        this.entries().flatMap(({ kind, by }) => (kind === "up" || kind === "joined" ? [by] : [])),
      );
      const missing = wanted.filter((by) => !up.has(by));
      if (missing.length === 0) return;
      if (performance.now() > deadline) {
        throw new Error(`${missing.join(", ")} did not start. ${this.#complaints}`);
      }
      await sleep(50);
    }
  }

  entries(): Entry[] {
    return readJournals<Entry>(this.#journals);
  }

  /** Leaves the files and the journals where they are, for whoever wants to know; returns where. */
  keep(): string {
    this.#isKept = true;
    return this.#folder;
  }

  /** Ends everybody, and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process: child } of this.hands) {
      child.kill("SIGKILL");
      await gone(child);
    }
    for (const queue of this.queues) await queue.close();
    await this.#way?.[Symbol.asyncDispose]();
    await this.#server?.dispose();
    if (!this.#isKept) rmSync(this.#folder, { recursive: true, force: true });
  }

  #memberOptions({ file = 0, node, works, thread }: Post, by: string): MemberOptions {
    const place = this.#places[file];
    if (place === undefined) throw new Error(`There is no queue ${file}.`);
    const { leaseMs } = this;
    const common = { place, journals: this.#journals, leaseMs, bugs: this.#bugs };
    const second = thread && { ...common, ...thread, by: `${by}+1` };
    return { ...common, works, by, ...(node && { node }), ...(second && { thread: second }) };
  }

  #jointOptions({ name }: Post, by: string): JointOptions {
    return { by, name, journals: this.#journals, leaseMs: this.leaseMs, places: this.#places };
  }
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
