import { execFileSync, spawnSync } from "node:child_process";

/** A host of a test: its address, and the command that runs others on it. */
export interface Host {
  readonly address: string;
  readonly through: readonly string[];
}

let count = 0;

/**
 * Hosts that a test has for itself: network namespaces on a bridge in a namespace of its own, so that nothing of it
 * is seen outside. They share the file system. Each can be cut off from the others.
 */
export class Hosts implements Disposable {
  readonly all: readonly Host[];
  readonly #names: readonly string[];
  readonly #net: string;

  constructor(size: number) {
    count += 1;
    const prefix = `ringrift-${process.pid}-${count}`;
    this.#net = `${prefix}-net`;
    this.#names = Array.from({ length: size }, (_, index) => `${prefix}-${index + 1}`);
    ip("netns", "add", this.#net);
    this.#inNet("link", "add", "bridge", "type", "bridge", "forward_delay", "0");
    this.#inNet("link", "set", "bridge", "up");
    this.all = this.#names.map((name, index) => this.#make(name, index));
  }

  /** Nothing passes between this host and the others, and nobody is told. */
  cut(index: number): void {
    this.#inNet("link", "set", portOf(index), "nomaster");
  }

  heal(index: number): void {
    this.#inNet("link", "set", portOf(index), "master", "bridge");
  }

  /** What runs on them must have ended. */
  [Symbol.dispose](): void {
    for (const name of [...this.#names, this.#net]) ip("netns", "del", name);
  }

  #make(name: string, index: number): Host {
    // An address that is reserved for examples: nobody else's.
    const address = `192.0.2.${index + 1}`;
    ip("netns", "add", name);
    const port = portOf(index);
    this.#inNet("link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name);
    this.#inNet("link", "set", port, "master", "bridge", "up");
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", name, "address", "add", `${address}/24`, "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
    return { address, through: ["ip", "netns", "exec", name] };
  }

  #inNet(...args: string[]): void {
    ip("-n", this.#net, ...args);
  }
}

function portOf(index: number): string {
  return `port-${index + 1}`;
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Why tests that need several hosts are skipped, if they are. Root in a container may not be allowed to make any. */
export function hostsLacking(): string | undefined {
  if (process.platform !== "linux") return "needs the network namespaces of Linux";
  if (process.getuid?.() !== 0) return "needs root, to make network namespaces";
  if (spawnSync("ip", ["-V"]).status !== 0) return 'needs "ip" (iproute2) on PATH';
  try {
    new Hosts(1)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `can't make network namespaces here: ${(error as Error).message}`;
  }
}
