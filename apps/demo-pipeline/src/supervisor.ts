import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { NodeSpec } from "./roles.ts";
import type { RunFolder } from "./run-folder.ts";

/** A node that died without being asked to, and was started again under its name. */
export interface Restart {
  readonly node: string;
  readonly reason: string;
  readonly at: number;
}

/** What the supervisor tells. */
export interface SupervisorOptions {
  readonly folder: RunFolder;
  /** Where the queue is, for `openDemoQueue`. */
  readonly where: string;
  /** Commands that run nodes on other hosts, in turn; none for this one. */
  readonly through: readonly (readonly string[])[];
  /** Processes have changed: their ids, by node. */
  readonly onChange: (pids: Readonly<Record<string, number>>) => void;
  readonly onRestart: (restart: Restart) => void;
  /** A node kept dying; the run can't go on. */
  readonly onGivenUp: (error: Error) => void;
}

const MOST_RESTARTS = 5;
const READY_WITHIN_MS = 30_000;
const RETRY_AFTER_MS = 500;

/**
 * Starts the nodes as processes of their own, and starts one again that dies: under its name, so that
 * it goes on where the dead one stopped. Talks to them about starting and stopping only.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<string, ChildProcess>();
  readonly #restarts: Restart[] = [];
  /** Nodes in the order in which they were first started: each stays on its host. */
  readonly #known: string[] = [];
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Restarts so far. */
  get restarts(): readonly Restart[] {
    return this.#restarts;
  }

  /** Start a node; resolves when its coordinator runs. */
  async start(spec: NodeSpec): Promise<void> {
    const { folder, where } = this.#options;
    mkdirSync(folder.at("logs"), { recursive: true });
    const log = openSync(folder.at("logs", `${spec.name}.log`), "a");
    const child = fork(
      fileURLToPath(new URL("node.ts", import.meta.url)),
      [spec.role, spec.name, folder.path, where],
      { ...this.#runtimeOf(spec), stdio: ["ignore", log, log, "ipc"] },
    );
    closeSync(log);
    this.#children.set(spec.name, child);
    this.#options.onChange(this.#pids());
    const ready = Promise.withResolvers<void>();
    let isReady = false;
    child.once("message", () => {
      isReady = true;
      ready.resolve();
    });
    child.once("error", (error) => ready.reject(error));
    child.once("exit", (code, signal) => {
      const reason = signal === null ? `exit code ${code}` : signal;
      ready.reject(
        new Error(`Node "${spec.name}" ended with ${reason} before it was ready; see its log.`),
      );
      if (isReady && this.#children.get(spec.name) === child) this.#died(spec, reason);
    });
    const timer = setTimeout(() => {
      ready.reject(new Error(`Node "${spec.name}" was not ready in ${READY_WITHIN_MS / 1000} s.`));
    }, READY_WITHIN_MS);
    try {
      await ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ask every node to finish what it is doing and end; kills what hasn't after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    const ending = [...this.#children.values()].filter(isAlive).map(async (child) => {
      const exit = once(child, "exit");
      if (child.connected) child.send("stop");
      else child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
      await exit;
      clearTimeout(timer);
    });
    await Promise.all(ending);
  }

  /** End every node at once. */
  kill(): void {
    this.#stopping = true;
    for (const child of this.#children.values()) if (isAlive(child)) child.kill("SIGKILL");
  }

  #died(spec: NodeSpec, reason: string): void {
    if (this.#stopping) return;
    const restart = { node: spec.name, reason, at: Date.now() };
    this.#restarts.push(restart);
    this.#options.onRestart(restart);
    const times = this.#restarts.filter(({ node }) => node === spec.name).length;
    if (times > MOST_RESTARTS) {
      this.#options.onGivenUp(new Error(`Node "${spec.name}" died ${times} times; see its log.`));
      return;
    }
    this.start(spec).catch((error: unknown) => {
      // It ended before it was ready: that counts as one more death, after a breath.
      if (this.#stopping) return;
      setTimeout(() => this.#died(spec, (error as Error).message), RETRY_AFTER_MS).unref();
    });
  }

  /** Node.js, behind the command of the node's host. */
  #runtimeOf({ name }: NodeSpec): { execPath: string; execArgv: string[] } {
    const { through } = this.#options;
    if (!this.#known.includes(name)) this.#known.push(name);
    const command = through[this.#known.indexOf(name) % through.length] ?? [];
    const [execPath, ...before] = [...command, process.execPath];
    return { execPath, execArgv: [...before, "--conditions=@ringrift/source"] };
  }

  #pids(): Record<string, number> {
    return Object.fromEntries(
      [...this.#children].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[name, pid]])),
    );
  }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null && child.pid !== undefined;
}
