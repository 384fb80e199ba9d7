import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Member } from "../model/member.ts";
import type { Deed } from "../model/steps.ts";
import type { MemberRequest } from "./fixtures/member.ts";

/** A member in a process of its own; it crashes by `kill -9`. */
export class ForkedMember implements Member {
  readonly isProcess = true;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async on(path: string, now: number): Promise<ForkedMember> {
    const member = new ForkedMember(spares.pop() ?? start());
    // The next one is needed when this one is killed, and takes a while to begin.
    spares.push(start());
    await member.#ask({ ask: "open", path, now });
    return member;
  }

  take(deed: Deed): Promise<unknown> {
    return this.#ask({ ask: "take", deed });
  }

  state(): Promise<unknown> {
    return this.#ask({ ask: "state" });
  }

  async reopen(): Promise<void> {
    await this.#ask({ ask: "reopen" });
  }

  async setClock(now: number): Promise<void> {
    await this.#ask({ ask: "clock", now });
  }

  async crash(): Promise<void> {
    await kill(this.#process);
  }

  async #ask(request: MemberRequest): Promise<unknown> {
    const over = new AbortController();
    const { signal } = over;
    const answered = once(this.#process, "message", { signal });
    // One that couldn't even begin answers nothing: then the test is to fail, and not to wait.
    const ended = once(this.#process, "exit", { signal }).then(([code]) => {
      throw new Error(`The process ended (${code}) before it answered ${request.ask}.`);
    });
    ended.catch(() => {});
    try {
      this.#process.send(request);
      const [{ value, error }] = (await Promise.race([answered, ended])) as [Answer];
      if (error !== undefined) throw new Error(error);
      return value;
    } finally {
      over.abort();
      answered.catch(() => {});
    }
  }
}

interface Answer {
  readonly value?: unknown;
  readonly error?: string;
}

const spares: ChildProcess[] = [];

function start(): ChildProcess {
  const file = fileURLToPath(new URL("fixtures/member.ts", import.meta.url));
  return fork(file, [], { execArgv: ["--conditions=@ringrift/source"] });
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** Ends processes that nobody needed. */
export async function dismissSpares(): Promise<void> {
  for (const spare of spares.splice(0)) await kill(spare);
}
