import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const READY_WITHIN_MS = 10_000;

/** What to do where there is no server that the demo can play on. */
export const SERVER_ADVICE =
  "Install nats-server 2.12.1 or later (https://github.com/nats-io/nats-server/releases; on Debian, scripts/nats-server.sh FOLDER brings one without root) and name it in NATS_SERVER, or give the address of one that runs: --queue nats://127.0.0.1:4222.";

/** A NATS server of the run's own, on this machine only. */
export interface LocalServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * Start `nats-server` (on PATH, or the one that NATS_SERVER names) with JetStream in a folder.
 *
 * @throws Error when there is none, or it doesn't begin to listen
 */
export async function startLocalServer(folder: string): Promise<LocalServer> {
  const binary = process.env["NATS_SERVER"] || "nats-server";
  const port = await freePort();
  const child = spawn(
    binary,
    ["--jetstream", "--store_dir", folder, "--addr", "127.0.0.1", "--port", String(port)],
    { stdio: "ignore" },
  );
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  child.once("error", (cause) =>
    failed.reject(
      new Error(`"${binary}" can't be started: ${cause.message}. ${SERVER_ADVICE}`, { cause }),
    ),
  );
  child.once("exit", (code) => failed.reject(new Error(`"${binary}" ended with ${code}.`)));
  await Promise.race([isListening(port), failed.promise]);
  return {
    url: `nats://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill();
      await gone;
    },
  };
}

async function isListening(port: number): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await accepts(port))) {
    if (performance.now() > deadline) throw new Error("nats-server didn't begin to listen.");
    await sleep(20);
  }
}

function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1");
  const end = (accepted: boolean): void => {
    socket.destroy();
    resolve(accepted);
  };
  socket.once("data", () => end(true));
  socket.once("error", () => end(false));
  return promise;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("There is no free port.");
  return address.port;
}
