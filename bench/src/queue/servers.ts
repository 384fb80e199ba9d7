import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { TemporaryFolder } from "./folder.ts";

/** The servers that peers need, by what they promise before they answer. */
export const SERVERS = ["redis-everysec", "redis-always", "jetstream", "jetstream-always"] as const;
export type ServerName = (typeof SERVERS)[number];

/** Where the servers of this run listen, or why one doesn't run. */
export type Servers = Readonly<
  Record<
    ServerName,
    { readonly port: number; readonly version: string } | { readonly missing: string }
  >
>;

/** How the processes of a run learn where its servers are. */
const VARIABLE = "RINGRIFT_BENCH_SERVERS";
const START_MS = 10_000;
const NATS_SERVER = process.env["NATS_SERVER"] || "nats-server";
/** The first version that can sync before it answers. */
const SYNC_ALWAYS = [2, 10] as const;

/**
 * Starts the servers that are found on PATH, or in NATS_SERVER, on free ports of the loopback device and with folders
 * of their own. Resolves to what stops them.
 */
export async function startServers(
  names: readonly ServerName[] = SERVERS,
): Promise<() => Promise<void>> {
  const stops: (() => Promise<void>)[] = [];
  const entries: [ServerName, Servers[ServerName]][] = [];
  for (const name of names) {
    const binary = name.startsWith("redis") ? "redis-server" : NATS_SERVER;
    const version = versionOf(binary);
    if (version === undefined) {
      entries.push([name, { missing: `no ${binary} on PATH` }]);
    } else if (name === "jetstream-always" && !isAtLeast(version, SYNC_ALWAYS)) {
      const missing = `nats-server ${version} knows no "sync_interval: always", which came with ${SYNC_ALWAYS.join(".")}`;
      entries.push([name, { missing }]);
    } else {
      const { port, stop } = await start(name, binary);
      stops.push(stop);
      entries.push([name, { port, version }]);
    }
  }
  process.env[VARIABLE] = JSON.stringify(Object.fromEntries(entries));
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** The servers of this run. */
export function servers(): Servers {
  const none = Object.fromEntries(SERVERS.map((name) => [name, { missing: "not started" }]));
  // The cast is safe: what startServers has written.
  return { ...none, ...(JSON.parse(process.env[VARIABLE] ?? "{}") as object) } as Servers;
}

async function start(
  name: ServerName,
  binary: string,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const folder = new TemporaryFolder();
  const port = await freePort();
  const server = spawn(binary, argumentsOf(name, port, folder), { stdio: "ignore" });
  const stop = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null) {
      const ended = once(server, "exit");
      server.kill("SIGKILL");
      await ended;
    }
    folder[Symbol.dispose]();
  };
  try {
    await answers(port, server);
  } catch (error) {
    await stop();
    throw new Error(`${binary} did not start for "${name}".`, { cause: error });
  }
  return { port, stop };
}

function argumentsOf(name: ServerName, port: number, folder: TemporaryFolder): string[] {
  if (name === "redis-everysec" || name === "redis-always") {
    const when = name === "redis-always" ? "always" : "everysec";
    const own = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder.path];
    return [...own, "--save", "", "--appendonly", "yes", "--appendfsync", when];
  }
  const always = name === "jetstream-always" ? "sync_interval: always" : "";
  const file = folder.file("nats.conf");
  writeFileSync(
    file,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${folder.path}" ${always} }\n`,
  );
  return ["--config", file];
}

function versionOf(binary: string): string | undefined {
  try {
    const text = execFileSync(binary, ["--version"], { encoding: "utf8", stdio: "pipe" });
    return /v=?(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? text.trim();
  } catch {
    return undefined;
  }
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [first = 0, second = 0] = version.split(".").map(Number);
  return first > major || (first === major && second >= minor);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port was given.");
  server.close();
  await once(server, "close");
  return address.port;
}

/** Waits until somebody listens. */
async function answers(port: number, server: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MS;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (server.exitCode !== null || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
}
