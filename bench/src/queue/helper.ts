import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A process that helps a scenario: see `helping.ts` for what each job is. */
export class Helper {
  readonly #process: ChildProcess;

  static async start(job: string, path: string, ...more: string[]): Promise<Helper> {
    const helper = new Helper(job, path, more);
    await once(helper.#process, "message");
    return helper;
  }

  private constructor(job: string, path: string, more: readonly string[]) {
    this.#process = fork(join(import.meta.dirname, "helping.ts"), [job, path, ...more]);
  }

  /** Asks for something, and resolves to what it answers. */
  async ask(question: unknown): Promise<unknown> {
    const answer = once(this.#process, "message");
    this.#process.send(question as object);
    const [what] = (await answer) as [unknown];
    return what;
  }

  async end(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }
}
