import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
} from "@nats-io/jetstream";
import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { runDetached } from "@ringrift/envelope";
import { noJetStream, notConnected } from "./connection-errors.ts";
import { isUnreachable, toQueueError } from "./nats-errors.ts";
import type { CheckedOptions } from "./options.ts";
import { reconnectDelay } from "./reconnect-delay.ts";
import { requireVersion } from "./server-version.ts";

/** What a connection tells its owner. */
export interface ConnectionListener {
  /** Connected again: what was asked before the break is forgotten by the server. */
  onReconnect(): void;
}

/** One connection to NATS and the JetStream of its account. */
export class Connection {
  readonly nats: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly patienceMs: number;
  /** How often the connection was lost, and made again. */
  readonly history: { disconnects: number; reconnects: number; lastError: string | undefined } = {
    disconnects: 0,
    reconnects: 0,
    lastError: undefined,
  };
  connected = true;
  /** When it was made again last, on the monotone clock. */
  reconnectedAt: number = Number.NEGATIVE_INFINITY;
  /** Where answers go, when the account may listen there only. */
  readonly inboxPrefix: string | undefined;
  readonly #prefix: string;
  /** Called when the connection breaks. */
  readonly #underWay = new Set<() => void>();
  /** Called when it is there again. */
  readonly #waiting = new Set<() => void>();
  #held = false;

  private constructor(
    nats: NatsConnection,
    js: JetStreamClient,
    jsm: JetStreamManager,
    options: CheckedOptions,
  ) {
    this.nats = nats;
    this.js = js;
    this.jsm = jsm;
    this.patienceMs = options.patienceMs;
    this.inboxPrefix = options.connection.inboxPrefix;
    this.#prefix = options.domain === undefined ? "$JS.API" : `$JS.${options.domain}.API`;
  }

  /**
   * @throws QueueError (rejects) `SERVER_UNREACHABLE`, `ACCESS_DENIED`, `SERVER_TOO_OLD`,
   * `JETSTREAM_DISABLED`, `INVALID_OPTION`
   */
  static async open(options: CheckedOptions, listener: ConnectionListener): Promise<Connection> {
    const { delay, reset } = reconnectDelay();
    // What was handled when the queue was opened is not the cause of all that its socket brings.
    const nats = await runDetached(() =>
      connect({
        name: `ringrift ${options.stream}`,
        maxReconnectAttempts: -1,
        reconnectDelayHandler: delay,
        pingInterval: 10_000,
        timeout: Math.min(options.patienceMs, 5_000),
        ...options.connection,
        ignoreAuthErrorAbort: true,
      }),
    ).catch((error: unknown) => {
      throw notConnected(error, options);
    });
    reset();
    try {
      requireVersion(nats.info?.version ?? "");
      const { domain } = options;
      const manage = {
        timeout: Math.min(options.patienceMs, 5_000),
        ...(domain !== undefined && { domain }),
      };
      const jsm = await jetstreamManager(nats, manage).catch((error: unknown) => {
        throw noJetStream(error, options);
      });
      const connection = new Connection(nats, jetstream(nats, manage), jsm, options);
      void connection.#watch(listener, reset);
      return connection;
    } catch (error) {
      await nats.close();
      throw error;
    }
  }

  get serverVersion(): string {
    return this.nats.info?.version ?? "unknown";
  }

  /** Largest message, headers included. */
  get maxMessageBytes(): number {
    return this.nats.info?.max_payload ?? 1_048_576;
  }

  /** Subject of a request to the JetStream API. */
  api(request: string): string {
    return `${this.#prefix}.${request}`;
  }

  /**
   * Does something that may be repeated, again and again while the server is away, for `patienceMs`; then
   * rejects with `SERVER_UNREACHABLE`. Other failures reject at once, as `QueueError`s where they are known.
   */
  async persist<T>(doing: string, operation: (tries: number) => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.patienceMs;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.whileConnected(() => operation(tries));
      } catch (error) {
        const left = deadline - performance.now();
        const pause = Math.min(1_000, 50 * 2 ** Math.min(tries, 6)) * (0.5 + Math.random() / 2);
        if (!isUnreachable(error) || this.nats.isClosed() || pause > left) {
          throw toQueueError(error, doing);
        }
        await (this.connected ? sleep(pause) : this.#reconnected(left));
      }
    }
  }

  /**
   * Does something that is only asked while there is a connection, and given up when that breaks: the client
   * itself would go on waiting for an answer that was lost, or ask later when nobody waits any more.
   */
  whileConnected<T>(operation: () => Promise<T>): Promise<T> {
    if (!this.connected) return Promise.reject(new errors.ConnectionError("not connected"));
    return new Promise<T>((resolve, reject) => {
      const lose = (): void => {
        this.#underWay.delete(lose);
        reject(new errors.ConnectionError("disconnected"));
      };
      this.#underWay.add(lose);
      operation().then(
        (result) => {
          this.#underWay.delete(lose);
          resolve(result);
        },
        (error: unknown) => {
          this.#underWay.delete(lose);
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  /** Lets the socket keep the process alive, or not. It does so only while somebody waits for an answer. */
  hold(held: boolean): void {
    this.#held = held;
    const parts = internals(this.nats);
    const socket = parts?.transport?.socket;
    if (held) socket?.ref?.();
    else socket?.unref?.();
    // The client's own ping timer must not keep the process alive either.
    parts?.heartbeats?.timer?.unref?.();
  }

  async close(): Promise<void> {
    if (this.nats.isClosed()) return;
    if (this.connected) {
      // What was said without waiting for an answer is on its way before the socket is closed.
      const timeout = new Promise<void>((resolve) => setTimeout(resolve, 1_000).unref());
      await Promise.race([this.nats.flush().catch(() => {}), timeout]);
    }
    await this.nats.close();
  }

  /** Resolves when it is connected again, or when the time is up. */
  async #reconnected(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#waiting.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }

  async #watch(listener: ConnectionListener, onConnected: () => void): Promise<void> {
    for await (const status of this.nats.status()) {
      if (status.type === "disconnect") {
        this.connected = false;
        this.history.disconnects += 1;
        for (const lose of this.#underWay) lose();
      } else if (status.type === "reconnect") {
        this.connected = true;
        this.history.reconnects += 1;
        this.reconnectedAt = performance.now();
        onConnected();
        this.hold(this.#held);
        for (const goOn of this.#waiting) goOn();
        listener.onReconnect();
      } else if (status.type === "error") {
        this.history.lastError = status.error.message;
      } else if (status.type === "ping") {
        this.hold(this.#held);
      }
    }
  }
}

/** What the client has for itself: nothing else can say that a socket doesn't keep the process alive. */
interface ClientInternals {
  readonly transport?: { readonly socket?: Partial<Pick<Socket, "ref" | "unref">> };
  readonly heartbeats?: { readonly timer?: { unref?: () => void } };
}

function internals(nats: NatsConnection): ClientInternals | undefined {
  // The cast is safe: each part is looked at before it is used.
  return (nats as { protocol?: ClientInternals }).protocol;
}
