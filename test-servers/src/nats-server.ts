import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "./hosts.ts";

/** The server's program: the one at `NATS_SERVER`, else the one on PATH. */
const BINARY = process.env["NATS_SERVER"] || "nats-server";
const NEEDED = [2, 12] as const;

/** `true`, or why tests that need a server are skipped. */
export const SERVER: true | string = serverLacking(BINARY) ?? true;

/** A server that is too old for a queue: the one at `NATS_SERVER_OLDER`, else the one on PATH; if there is one. */
export const OLDER_SERVER: string | undefined = [
  process.env["NATS_SERVER_OLDER"] || "nats-server",
].find((binary) => isOlder(versionOf(binary)));

const LEADER_MS = 60_000;
const [LOWEST_PORT, HIGHEST_PORT] = [10_000, 32_000] as const;
const THIS_HOST: Host = { address: "127.0.0.1", through: [] };

/** A server that tests have for themselves, with JetStream in a folder of its own. */
export class NatsServer {
  readonly port: number;
  readonly folder: string;
  readonly #config: string;
  readonly #host: Host;
  #binary = BINARY;
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, config: string, host = THIS_HOST) {
    this.port = port;
    this.folder = folder;
    this.#config = config;
    this.#host = host;
  }

  /**
   * @param more - lines of configuration, e.g. `max_payload: 100KB`
   * @param binary - another program than the one that the tests have
   */
  static async start(more = "", jetstream = true, binary = BINARY): Promise<NatsServer> {
    const folder = mkdtempSync(join(tmpdir(), "ringrift-nats-"));
    const server = new NatsServer(await freePort(), folder, more);
    server.#binary = binary;
    server.#write(jetstream ? `jetstream { store_dir: "${folder}/store" }` : "");
    await server.run();
    return server;
  }

  /** Servers of one cluster, each with a folder of its own, once they have a leader. */
  static async cluster(size: number): Promise<NatsServer[]> {
    const ports = await Promise.all(Array.from({ length: size }, () => freePort()));
    const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(", ");
    const servers = await Promise.all(
      ports.map((port, index) =>
        NatsServer.start(
          `server_name: node-${index + 1}
cluster { name: ringrift, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
        ),
      ),
    );
    return withLeader(servers);
  }

  /** A server of one cluster on each of these hosts, once they have a leader. */
  static async clusterOn(hosts: readonly Host[]): Promise<NatsServer[]> {
    const [port, routePort] = [4222, 6222];
    const routes = hosts.map(({ address }) => `nats-route://${address}:${routePort}`).join(", ");
    const servers = await Promise.all(
      hosts.map(async (host, index) => {
        const folder = mkdtempSync(join(tmpdir(), "ringrift-nats-"));
        const listen = `${host.address}:${routePort}`;
        const config = `server_name: node-${index + 1}
cluster { name: ringrift, listen: "${listen}", routes: [${routes}] }`;
        const server = new NatsServer(port, folder, config, host);
        server.#write(`jetstream { store_dir: "${folder}/store" }`);
        await server.run();
        return server;
      }),
    );
    return withLeader(servers);
  }

  get url(): string {
    return `nats://${this.#host.address}:${this.port}`;
  }

  /** Starts it again, on the same port and folder. */
  async run(): Promise<void> {
    const [program, ...args] = [...this.#host.through, this.#binary];
    const config = join(this.folder, "server.conf");
    const child = spawn(program, [...args, "-c", config], { stdio: "ignore" });
    this.#child = child;
    await isListening(this.#host, this.port, child);
  }

  /** `kill -9` unless told otherwise; resolves when it is gone. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * Resolves when the cluster has a leader: until then it refuses whatever is asked of JetStream. On a loaded machine the
   * vote takes a while.
   */
  async hasLeader(): Promise<void> {
    const deadline = performance.now() + LEADER_MS;
    while (!(await answersForJetStream(this.#host, this.port))) {
      if (performance.now() > deadline) throw new Error("The cluster didn't get a leader.");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #write(jetstream: string): void {
    const lines = [`listen: "${this.#host.address}:${this.port}"`, jetstream, this.#config];
    writeFileSync(join(this.folder, "server.conf"), lines.join("\n"));
  }
}

async function withLeader(servers: NatsServer[]): Promise<NatsServer[]> {
  try {
    await Promise.all(servers.map((server) => server.hasLeader()));
    return servers;
  } catch (error) {
    await Promise.all(servers.map((server) => server.dispose()));
    throw error;
  }
}

/**
 * A port that nobody listens on. It is below those that systems give to outgoing connections, so that none of these takes it
 * before its server does.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once("error", () => resolve(false));
  server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  return promise;
}

async function isListening(host: Host, port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with ${child.exitCode}.`);
    if (await (host === THIS_HOST ? accepts(port) : acceptsOn(host, port))) return;
    if (performance.now() > deadline) throw new Error("nats-server didn't begin to listen.");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => {
      socket.destroy();
      resolve(false);
    });
  });
}

/** Only programs on the host can tell. */
function acceptsOn(host: Host, port: number): Promise<boolean> {
  return succeedsOn(host, `exec 3<>/dev/tcp/${host.address}/${port} && read -r -t 1 line <&3`);
}

/** Asks a server, in the protocol's own words, for its account: an error in the answer means that no server leads. */
function answersForJetStream(host: Host, port: number): Promise<boolean> {
  const ask = "CONNECT {}\\r\\nSUB inbox 1\\r\\nPUB $JS.API.INFO inbox 0\\r\\n\\r\\n";
  return succeedsOn(
    host,
    `exec 3<>/dev/tcp/${host.address}/${port} && printf '${ask}' >&3
while read -r -t 1 line <&3; do
  case $line in *'"error":'*) exit 1;; *'"streams":'*) exit 0;; esac
done
exit 1`,
  );
}

async function succeedsOn({ through }: Host, script: string): Promise<boolean> {
  const [program, ...args] = [...through, "bash", "-c"];
  const child = spawn(program, [...args, script], { stdio: "ignore" });
  return new Promise((resolve) => child.once("exit", (code) => resolve(code === 0)));
}

function serverLacking(binary: string): string | undefined {
  const version = versionOf(binary);
  if (version !== undefined && !isOlder(version)) return undefined;
  const found =
    version === undefined ? `"${binary}" doesn't run` : `"${binary}" is ${version.join(".")}`;
  return `needs nats-server ${NEEDED.join(".")} or later: on PATH, or its path in NATS_SERVER (${found}); scripts/nats-server.sh brings one from Debian`;
}

function isOlder(version: readonly [number, number] | undefined): boolean {
  if (version === undefined) return false;
  const [major, minor] = version;
  return major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1]);
}

function versionOf(binary: string): readonly [number, number] | undefined {
  const { stdout } = spawnSync(binary, ["--version"], { encoding: "utf8" });
  const found = /v(\d+)\.(\d+)/.exec(stdout ?? "");
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}
