import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NatsServer } from "test-servers";
import type { Random } from "../bridge/random.ts";

const STREAMS = "store/jetstream/$G/streams";

/** One server, or a cluster of three, with a store that may be put back. */
export class KeyedServers implements AsyncDisposable {
  readonly #servers: readonly NatsServer[];

  private constructor(servers: readonly NatsServer[]) {
    this.#servers = servers;
  }

  static async start(copies: number): Promise<KeyedServers> {
    return new KeyedServers(
      copies === 1 ? [await NatsServer.start()] : await NatsServer.cluster(copies),
    );
  }

  get urls(): string[] {
    return this.#servers.map(({ url }) => url);
  }

  /** Of the first one. */
  get port(): number {
    return this.#first.port;
  }

  /** The store of the first one. */
  get folder(): string {
    return this.#first.folder;
  }

  /** `kill -9` of one server, or of more than half, which keep their stores. Resolves to what starts them again. */
  async kill(random: Random): Promise<() => Promise<void>> {
    const isMajority = this.#servers.length > 1 && random.chance(0.3);
    const spared = random.pick(this.#servers);
    const killed =
      this.#servers.length === 1 || isMajority
        ? this.#servers.filter((server) => server !== spared || this.#servers.length === 1)
        : [spared];
    await Promise.all(killed.map((server) => server.kill()));
    return async () => {
      await Promise.all(killed.map((server) => server.run()));
      await this.#first.hasLeader();
    };
  }

  /** Has the one server lose what it stores in these streams, or parts of them, while `work` runs. */
  async lose(parts: readonly string[], work: () => Promise<void>): Promise<void> {
    const streams = join(this.folder, STREAMS);
    const copy = join(this.folder, "copy");
    await this.#first.kill("SIGTERM");
    for (const part of parts) cpSync(join(streams, part), join(copy, part), { recursive: true });
    await this.#first.run();
    await work();
    await this.#first.kill("SIGTERM");
    for (const part of parts) {
      rmSync(join(streams, part), { recursive: true });
      cpSync(join(copy, part), join(streams, part), { recursive: true });
    }
    rmSync(copy, { recursive: true });
    await this.#first.run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.dispose()));
  }

  get #first(): NatsServer {
    const [first] = this.#servers;
    if (first === undefined) throw new Error("There is no server.");
    return first;
  }
}
