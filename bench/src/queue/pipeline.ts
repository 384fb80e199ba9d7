import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Order, Said } from "./actor.ts";
import { TemporaryFolder } from "./folder.ts";
import type { PipelineOptions } from "./system.ts";

/** A system with its two processes. */
export interface PipelineSetup {
  /** A file in `systems/`. */
  readonly system: string;
  readonly batch: number;
  readonly survives: PipelineOptions["survives"];
  /** Port of its server; without one it gets a file. */
  readonly port?: number | undefined;
  /** Events of one sample: about a second's. */
  readonly events: number;
}

/** Time for anything that hangs. */
const PATIENCE_MS = 120_000;

/** Two processes, one that publishes and one that consumes and acks, through one queue. */
export class Pipeline {
  readonly #setup: PipelineSetup;
  readonly #folder: TemporaryFolder = new TemporaryFolder();
  readonly #publisher: Actor;
  readonly #consumer: Actor;

  static async open(setup: PipelineSetup): Promise<Pipeline> {
    const pipeline = new Pipeline(setup);
    await pipeline.sample(Math.ceil(setup.events / 5));
    return pipeline;
  }

  private constructor(setup: PipelineSetup) {
    const { batch, survives } = setup;
    this.#setup = setup;
    const at = setup.port === undefined ? this.#folder.file("queue.db") : String(setup.port);
    const options = { at, batch, survives };
    const prepared = new Actor("prepare", setup.system, options).end();
    this.#publisher = new Actor("publisher", setup.system, options, prepared);
    this.#consumer = new Actor("consumer", setup.system, options, prepared);
  }

  /** Nanoseconds an event, from the first publish to the last ack. */
  async sample(events: number = this.#setup.events): Promise<number> {
    await Promise.all([this.#publisher.open(), this.#consumer.open()]);
    const begin = process.hrtime.bigint();
    const [, acked] = await Promise.all([
      this.#publisher.do({ events }),
      this.#consumer.do({ events }),
    ]);
    return Number(acked - begin) / events;
  }

  async close(): Promise<void> {
    await Promise.all([this.#publisher.end(), this.#consumer.end()]);
    this.#folder[Symbol.dispose]();
  }
}

class Actor {
  readonly #process: Promise<ChildProcess>;
  readonly #open: Promise<unknown>;

  constructor(role: string, system: string, options: PipelineOptions, after?: Promise<unknown>) {
    this.#process = this.#start(role, system, options, after);
    this.#open = this.#process.then((child) => said(child));
  }

  async open(): Promise<void> {
    await this.#open;
  }

  /** When it was done, in nanoseconds of the machine's clock. */
  async do(order: Order): Promise<bigint> {
    const child = await this.#process;
    const answer = said(child);
    child.send(order);
    const what = await answer;
    return what.kind === "done" ? BigInt(what.at) : 0n;
  }

  async end(): Promise<void> {
    const child = await this.#process;
    await this.#open;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async #start(
    role: string,
    system: string,
    options: PipelineOptions,
    after: Promise<unknown> | undefined,
  ): Promise<ChildProcess> {
    await after;
    return fork(join(import.meta.dirname, "actor.ts"), [role, system, JSON.stringify(options)]);
  }
}

/** The next thing a process says. */
async function said(child: ChildProcess): Promise<Said> {
  const ending = new AbortController();
  const { signal } = ending;
  try {
    return await Promise.race([
      // The cast is safe: what an actor says.
      once(child, "message", { signal }).then(([what]) => what as Said),
      once(child, "exit", { signal }).then(([code]) => {
        throw new Error(`An end of the pipeline ended by itself, with ${code}.`);
      }),
      new Promise<never>((_, reject) => {
        const timer = setTimeout(() => reject(new Error("A pipeline hangs.")), PATIENCE_MS);
        signal.addEventListener("abort", () => clearTimeout(timer));
      }),
    ]);
  } finally {
    ending.abort();
  }
}
