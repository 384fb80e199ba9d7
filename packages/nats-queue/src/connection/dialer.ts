import { isIP } from "node:net";
import {
  connect,
  type NatsConnection,
  type NodeConnectionOptions,
  type ServerInfo,
} from "@nats-io/transport-node";
import { runDetached } from "@ringrift/envelope";
import { hostOf, requireAddress } from "../server/server-address.ts";

/** Options of the client that reconnects by itself: this one never does. */
type OwnReconnect = "reconnect" | "reconnectDelayHandler" | "maxReconnectAttempts";

/** What each connection is made with. */
export type DialOptions = Omit<NodeConnectionOptions, OwnReconnect>;

/**
 * Makes connections to any one of the servers: those that were given, and those of their cluster that they have told of
 * since. A connection that breaks ends: whoever wants another one dials again, and nothing of the client waits
 * meanwhile, which would keep the process alive.
 */
export class Dialer {
  readonly #options: DialOptions;
  readonly #given: readonly (string | undefined)[];
  /** Of the cluster, as the last server told. */
  #learnt: readonly string[] = [];
  /** The server of the last connection: it is tried last. */
  #last: string | undefined;
  /** The name in the certificates of servers that are learnt by their IP address. */
  #tlsName: string | undefined;

  constructor({ servers, ...options }: DialOptions) {
    this.#options = options;
    const given = [servers ?? []].flat();
    for (const server of given) requireAddress(server);
    this.#given = given.length === 0 ? [undefined] : given;
  }

  /**
   * Tries each server once. A signal that is aborted ends it between two of them.
   *
   * @throws whatever the last one failed with (rejects)
   */
  async dial(signal: AbortSignal): Promise<NatsConnection> {
    let failure: unknown;
    for (const server of this.#round()) {
      signal.throwIfAborted();
      try {
        const nats = await this.#connect(server);
        this.#last = hostOf(server ?? nats.getServer());
        if (nats.info !== undefined) this.learn(nats.info, nats.getServer());
        return nats;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Takes note of the servers that a server tells of. */
  learn(info: ServerInfo, server: string): void {
    if (this.#options.ignoreClusterUpdates === true) return;
    this.#learnt = info.connect_urls ?? [];
    const name = new URL(`http://${hostOf(server)}`).hostname;
    const isEncrypted =
      info.tls_required === true || (info.tls_available === true && this.#options.tls !== null);
    if (isEncrypted && isIP(name) === 0) this.#tlsName = name;
  }

  /** Each server once, in the order in which they are tried. */
  #round(): (string | undefined)[] {
    const known = new Map<string | undefined, string | undefined>();
    for (const server of [...this.#given, ...this.#learnt]) {
      const host = server === undefined ? undefined : hostOf(server);
      if (!known.has(host)) known.set(host, server);
    }
    const hosts = [...known.keys()];
    const ordered = this.#options.noRandomize === true ? hosts : shuffled(hosts);
    const others = ordered.filter((host) => host !== this.#last);
    return [...others, ...ordered.filter((host) => host === this.#last)].map((host) =>
      known.get(host),
    );
  }

  #connect(server: string | undefined): Promise<NatsConnection> {
    const isLearnt = server !== undefined && !this.#given.includes(server);
    const tls =
      isLearnt && this.#tlsName !== undefined
        ? { tls: { servername: this.#tlsName, ...this.#options.tls } }
        : {};
    // What was handled when it is made is not the cause of all that its socket brings.
    return runDetached(() =>
      connect({
        ...this.#options,
        ...tls,
        ...(server !== undefined && { servers: [server] }),
        reconnect: false,
        waitOnFirstConnect: false,
        ignoreAuthErrorAbort: true,
      }),
    );
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
