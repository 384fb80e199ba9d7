import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Sample } from "./side.ts";

/** The process of one of two checkouts that are compared. */
export class SideProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #failed: Promise<never>;
  readonly #ready: Promise<unknown>;

  constructor(root: string, suite: string, id: string) {
    this.#child = fork(join(import.meta.dirname, "side.ts"), [join(root, "bench"), suite, id], {
      execPath: join(root, "node_modules/.bin/node"),
      execArgv: [...process.execArgv, "--expose-gc"],
    });
    this.#ended = once(this.#child, "exit");
    this.#failed = this.#ended.then(() => {
      throw new Error(`The side of "${root}" has ended. Its error is above.`);
    });
    this.#failed.catch(() => {});
    this.#ready = this.#answer();
    this.#ready.catch(() => {});
  }

  /** Whether it has the scenario, and something of it to sample. */
  async isReady(): Promise<boolean> {
    return (await this.#ready) === "ready";
  }

  async sample(): Promise<Sample> {
    const answer = this.#answer();
    this.#child.send("sample");
    // The cast is safe: what `side.ts` answers.
    return (await answer) as Sample;
  }

  async end(): Promise<void> {
    if (this.#child.connected) this.#child.send("close");
    await this.#ended;
  }

  /** Awaits the next message; rejects if it ends instead. */
  async #answer(): Promise<unknown> {
    const [what] = await Promise.race([once(this.#child, "message"), this.#failed]);
    return what;
  }
}
