import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { EventQueue } from "@ringrift/event-queue";
import { onTestFinished } from "vitest";
import type { NodeSettings, Seen } from "./node-program.ts";
import { openAt } from "./open-at.ts";

export { tempFolder } from "./backends.ts";

const PROGRAM = new URL("node-program.ts", import.meta.url);

/** The test's own look at the queue. */
export function openQueue(where: string): EventQueue {
  const queue = openAt(where);
  onTestFinished(() => queue.close());
  return queue;
}

interface Reply {
  readonly call?: number;
  readonly event?: string;
  readonly worked?: Seen[];
  readonly result?: unknown;
  readonly error?: { code?: string; message: string };
}

/** A node in a process or a worker thread of its own. */
export class RemoteNode {
  readonly #post: (message: unknown) => void;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ready = Promise.withResolvers<void>();
  /** What a node in a deadly handler had worked on when it died. */
  readonly dying = Promise.withResolvers<Seen[]>();
  readonly process: ChildProcess | undefined;
  #count = 0;

  private constructor(peer: ChildProcess | Worker) {
    this.process = peer instanceof Worker ? undefined : peer;
    this.#post = (message) =>
      peer instanceof Worker ? peer.postMessage(message) : void peer.send(message as object);
    peer.on("message", (reply: Reply) => this.#take(reply));
    peer.on("exit", () => {
      this.#ready.reject(new Error("The node ended before it was ready."));
      for (const call of this.#calls.values()) call.reject(new Error("The node ended."));
    });
    this.#ready.promise.catch(() => undefined);
  }

  /** Starts a program; the coordinator in it is started by `start`. */
  static async launch(settings: NodeSettings, thread = false): Promise<RemoteNode> {
    const execArgv = ["--conditions=@ringrift/source"];
    const peer = thread
      ? new Worker(PROGRAM, { workerData: settings, execArgv })
      : fork(PROGRAM, [JSON.stringify(settings)], {
          execArgv,
          stdio: ["ignore", "ignore", "inherit", "ipc"],
        });
    const node = new RemoteNode(peer);
    onTestFinished(async () => {
      if (peer instanceof Worker) await peer.terminate();
      else if (peer.exitCode === null && peer.signalCode === null) {
        peer.kill("SIGKILL");
        await once(peer, "exit");
      }
    });
    await node.#ready.promise;
    return node;
  }

  /** Starts a program and its coordinator. */
  static async start(settings: NodeSettings, thread = false): Promise<RemoteNode> {
    const node = await RemoteNode.launch(settings, thread);
    await node.call("start");
    return node;
  }

  call<T = unknown>(name: string, ...args: unknown[]): Promise<T> {
    this.#count += 1;
    const call = Promise.withResolvers<unknown>();
    this.#calls.set(this.#count, call);
    this.#post({ call: this.#count, name, args });
    return call.promise as Promise<T>;
  }

  seen(): Promise<Seen[]> {
    return this.call("seen");
  }

  worked(): Promise<Seen[]> {
    return this.call("worked");
  }

  async kill(): Promise<void> {
    this.process?.kill("SIGKILL");
    if (this.process) await once(this.process, "exit");
  }

  #take(reply: Reply): void {
    if (reply.event === "ready") this.#ready.resolve();
    if (reply.event === "dying") this.dying.resolve(reply.worked ?? []);
    const call = this.#calls.get(reply.call ?? 0);
    if (!call) return;
    this.#calls.delete(reply.call ?? 0);
    if (reply.error) call.reject(Object.assign(new Error(reply.error.message), reply.error));
    else call.resolve(reply.result);
  }
}

/** Resolves when every group has settled every event, and stays so. */
export async function idle(queue: EventQueue): Promise<void> {
  for (let quiet = 0; quiet < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const groups = await queue.groups.list();
    quiet = groups.every((group) => group.pending === 0) ? quiet + 1 : 0;
  }
}
