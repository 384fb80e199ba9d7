import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "./nats-server.ts";

/** A TCP proxy in front of a server, that can be cut: then nothing passes, and nobody is told. */
export class Proxy {
  readonly port: number;
  readonly #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(port: number, target: number) {
    this.port = port;
    this.#target = target;
    this.#server = createServer((client) => this.#pair(client));
  }

  static async to(target: number): Promise<Proxy> {
    const proxy = new Proxy(await freePort(), target);
    await new Promise<void>((resolve) =>
      proxy.#server.listen(proxy.port, "127.0.0.1", () => resolve()),
    );
    return proxy;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** What is under way stays where it is; new connections get no answer. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Connections of before the cut are reset, as a network that forgot them would do. */
  heal(): void {
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pair(client: Socket): void {
    const server = connect(this.#target, "127.0.0.1");
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("data", (bytes) => to.write(bytes));
      from.on("error", () => {});
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#isCut) from.pause();
    }
  }
}
