import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** The demo, started as a user would, in a folder of its own. */
export class RunningDemo implements AsyncDisposable {
  readonly out: string = mkdtempSync(join(tmpdir(), "demo-run-"));
  readonly process: ChildProcess;
  stdout = "";
  stderr = "";
  readonly #exit: Promise<number | null>;

  /**
   * @param through - a command that runs it on another host
   * @param env - variables that it has besides those of the test
   */
  constructor(
    args: readonly string[],
    through: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ) {
    const [program, ...before] = [...through, process.execPath];
    this.process = spawn(
      program,
      [...before, "--conditions=@ringrift/source", MAIN, "--out", this.out, ...args],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } },
    );
    this.process.stdout!.on("data", (text: Buffer) => (this.stdout += text.toString()));
    this.process.stderr!.on("data", (text: Buffer) => (this.stderr += text.toString()));
    this.#exit = new Promise((resolve) => this.process.once("close", resolve));
  }

  /** The exit code, when it has ended and everything it printed is here. */
  exitCode(): Promise<number | null> {
    return this.#exit;
  }

  /** The folder of the run, once there is one. */
  get folder(): string {
    const [name] = readdirSync(this.out);
    if (name === undefined) throw new Error(`No run in "${this.out}" yet.`);
    return join(this.out, name);
  }

  /** Process ids by node, as of now. */
  pids(): Record<string, number> {
    return this.json("pids.json") as Record<string, number>;
  }

  /** A JSON file of the run's folder. */
  json(name: string): unknown {
    return JSON.parse(readFileSync(join(this.folder, name), "utf8"));
  }

  /** Files of a kind in the run's folder. */
  count(kind: string): number {
    if (readdirSync(this.out).length === 0) return 0;
    const path = join(this.folder, kind);
    return existsSync(path) ? readdirSync(path).length : 0;
  }

  /** Wait for something to come true. @throws Error when the demo ends first */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.process.exitCode !== null) throw new Error(`The demo ended: ${this.stderr}`);
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null) {
      this.process.kill("SIGINT");
      this.process.kill("SIGINT");
      await this.#exit;
    }
    rmSync(this.out, { recursive: true, force: true });
  }
}

/** Whether a process is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
