import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./nats-server.ts";

/** A TCP proxy in front of a server: all that passes takes a while, and connections can be cut. */
export class SlowProxy implements AsyncDisposable {
  readonly port: number;
  readonly #latencyMs: number;
  readonly #target: number;
  readonly #server: Server;
  /** Both ends of each connection. */
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(port: number, target: number, latencyMs: number) {
    this.port = port;
    this.#target = target;
    this.#latencyMs = latencyMs;
    this.#server = createServer((client) => this.#pair(client));
  }

  static async to(target: number, latencyMs: number): Promise<SlowProxy> {
    const proxy = new SlowProxy(await freePort(), target, latencyMs);
    await new Promise<void>((resolve) =>
      proxy.#server.listen(proxy.port, "127.0.0.1", () => resolve()),
    );
    return proxy;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Resets those connections that the choice falls on; what is on its way is lost. */
  cut(isChosen: () => boolean): void {
    for (const pair of this.#pairs) if (isChosen()) for (const socket of pair) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut(() => true);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pair(client: Socket): void {
    const server = connect(this.#target, "127.0.0.1");
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [server, client] as const]) {
      from.setNoDelay(true);
      // Timers of one length go off in the order in which they were set.
      from.on("data", (bytes) => setTimeout(() => to.writable && to.write(bytes), this.#latencyMs));
      from.on("error", () => {});
      from.on("close", () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
    }
  }
}
