import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A line that a fixture printed, parsed. */
export interface Line {
  readonly kind: string;
  readonly id?: string;
  readonly attempt?: number;
  readonly position?: number;
  readonly code?: string;
  readonly text?: string;
}

/** How a fixture is started. */
export interface ChildOptions {
  /** A command, and its first arguments, that executes the command in the rest of them. */
  readonly launcher?: readonly string[];
}

/** A child process of this test that runs a fixture; killed after the test if it is still there. */
export class Child {
  readonly lines: Line[] = [];
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #wake: () => void = () => {};
  #complaints = "";

  constructor(fixture: string, options: object, { launcher = [] }: ChildOptions = {}) {
    const file = fileURLToPath(new URL(`fixtures/${fixture}.ts`, import.meta.url));
    const node = [process.execPath, "--conditions=@ringrift/source", file, JSON.stringify(options)];
    const [command = "", ...rest] = [...launcher, ...node];
    this.#process = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"] });
    // After "close" everything it has printed was read.
    this.#ended = once(this.#process, "close").then(() => this.#wake());
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error("no pipes");
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaints += text;
    });
    createInterface({ input: stdout }).on("line", (line) => {
      this.lines.push(JSON.parse(line) as Line);
      this.#wake();
    });
    onTestFinished(async () => this.kill());
  }

  /** Process id. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Waits for a line; fails when the process ends without it. */
  async line(matches: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find((line) => matches(line));
      if (found !== undefined) return found;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        await this.#ended;
        const late = this.lines.find((line) => matches(line));
        if (late !== undefined) return late;
        const end = await this.end();
        throw new Error(
          `The child ended (${end}) without it. It said ${JSON.stringify(this.lines)} ${this.#complaints}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits until it has printed `count` lines of a kind. */
  async count(kind: string, count: number): Promise<Line[]> {
    await this.line(() => this.lines.filter((line) => line.kind === kind).length >= count);
    return this.lines.filter((line) => line.kind === kind);
  }

  /** Waits for its end; the exit code, or the signal that ended it. */
  async end(): Promise<number | string | null> {
    await this.#ended;
    return this.#process.exitCode ?? this.#process.signalCode;
  }

  /** SIGTERM: asks it to say what it has to say. */
  stop(): void {
    this.#process.kill("SIGTERM");
  }

  /** `kill -9`, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }
}
