import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { errors, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { runDetached } from "@ringrift/envelope";
import { noAnswer, noJetStream, type ServerState } from "../server/connection-errors.ts";
import { Diagnosis } from "./diagnosis.ts";
import type { Dialer } from "./dialer.ts";
import { firstDial, managing } from "./first-dial.ts";
import { type Link, linkOf } from "./link.ts";
import { Names } from "../server/names.ts";
import { isUnanswered, isUnreachable, mayMissStream, toQueueError } from "../server/nats-errors.ts";
import type { CheckedOptions } from "../server/options.ts";
import { requireVersion } from "../server/server-version.ts";
import { StandingLink } from "./standing-link.ts";
import { Unanswered } from "../server/unanswered.ts";

/** How often a queue that closes looks whether the server still answers. */
const LOOK_MS = 500;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** What a connection tells its owner, and is told. */
export interface ConnectionListener {
  /** Connected again: what was asked before the break is forgotten by the server. */
  onReconnect(): void;
  /** Aborted when the queue closes: from then on nobody waits for a server that doesn't answer. */
  readonly ending: AbortSignal;
}

/** Something that is heard until it is told to stop. */
export interface Listening {
  unsubscribe(): void;
}

/**
 * The connection to NATS and the JetStream of its account: whichever there is now, since it is made anew when it breaks.
 * It keeps the process alive only while it is held.
 */
export class Connection {
  /** Without a connection what is published is lost. A subscription lives no longer than the connection it was made on. */
  readonly nats: Pick<NatsConnection, "publish" | "request" | "subscribe"> = {
    publish: (...args) => {
      if (this.connected) this.#link.current.nats.publish(...args);
    },
    request: (...args) => this.#link.current.nats.request(...args),
    subscribe: (...args) => this.#link.current.nats.subscribe(...args),
  };
  readonly js: Pick<JetStreamClient, "publish"> = {
    publish: (...args) => this.#link.current.js.publish(...args),
  };
  readonly jsm: Pick<JetStreamManager, "streams" | "consumers">;
  readonly patienceMs: number;
  /** When it was made last, on the monotone clock. */
  madeAt: number = performance.now();
  /** When it was made again last, on the monotone clock. */
  reconnectedAt: number = Number.NEGATIVE_INFINITY;
  /** Where answers go, when the account may listen there only. */
  readonly inboxPrefix: string | undefined;
  readonly #prefix: string;
  readonly #stream: string;
  readonly #diagnosis: Diagnosis;
  readonly #link: StandingLink;
  readonly #unanswered = new Unanswered();
  readonly #listener: ConnectionListener;
  /** What is heard over every connection: how to hear it on a new one. */
  readonly #heard = new Map<Listening, () => void>();
  /** Called when the connection breaks. */
  readonly #underWay = new Set<() => void>();
  /** Called when it is there again. */
  readonly #waiting = new Set<() => void>();
  readonly #keepAlive = runDetached(() => setInterval(() => {}, LONGEST_TIMER_MS));

  private constructor(
    first: { readonly link: Link; readonly dialer: Dialer },
    options: CheckedOptions,
    listener: ConnectionListener,
  ) {
    const link = new StandingLink(
      first.link,
      { dialer: first.dialer, options: managing(options) },
      { onLost: () => this.#onLost(), onBack: () => this.#onBack() },
    );
    this.#link = link;
    this.jsm = {
      get streams() {
        return link.current.jsm.streams;
      },
      get consumers() {
        return link.current.jsm.consumers;
      },
    };
    this.#listener = listener;
    this.#stream = options.stream;
    this.#diagnosis = new Diagnosis(this, new Names(options.stream));
    this.patienceMs = options.patienceMs;
    this.inboxPrefix = options.connection.inboxPrefix;
    this.#prefix = options.domain === undefined ? "$JS.API" : `$JS.${options.domain}.API`;
    const { ending } = listener;
    const hurry = (): unknown => runDetached(() => this.#hurry());
    if (ending.aborted) hurry();
    else ending.addEventListener("abort", hurry, { once: true });
  }

  /**
   * @throws QueueError (rejects) `SERVER_UNREACHABLE`, `ACCESS_DENIED`, `SERVER_TOO_OLD`,
   * `JETSTREAM_DISABLED`, `INVALID_OPTION`, `QUEUE_CLOSED`
   */
  static async open(options: CheckedOptions, listener: ConnectionListener): Promise<Connection> {
    const { dialer, nats } = await firstDial(options, listener.ending);
    let opened: Connection | undefined;
    try {
      requireVersion(nats.info?.version ?? "");
      const link = await linkOf(nats, managing(options));
      opened = new Connection({ link, dialer }, options, listener);
      await opened
        .whileConnected(() => link.jsm.getAccountInfo())
        .catch((error: unknown) => {
          throw noJetStream(error, options);
        });
      return opened;
    } catch (error) {
      await (opened ?? nats).close();
      throw error;
    }
  }

  get connected(): boolean {
    return this.#link.isUp;
  }

  /** How often it was lost, and made again. */
  get history(): StandingLink["history"] {
    return this.#link.history;
  }

  /** Which of the connections that follow each other there is now, or was last. */
  get link(): number {
    return this.#link.history.reconnects;
  }

  get serverVersion(): string {
    return this.#link.info?.version ?? "unknown";
  }

  /** The server that it is connected to, or was at last. */
  get server(): string {
    return this.#link.current.nats.getServer();
  }

  /** Largest message, headers included. */
  get maxMessageBytes(): number {
    return this.#link.info?.max_payload ?? 1_048_576;
  }

  /** Subject of a request to the JetStream API. */
  api(request: string): string {
    return `${this.#prefix}.${request}`;
  }

  /**
   * Does something that may be repeated, again and again while the server is away, for `patienceMs`; then
   * rejects with `SERVER_UNREACHABLE`. Other failures reject at once, as `QueueError`s where they are known. When the
   * queue closes it goes on only for as long as the server serves.
   */
  async persist<T>(doing: string, operation: (tries: number) => Promise<T>): Promise<T> {
    const end = this.#unanswered.begin();
    try {
      return await this.#persist(doing, operation);
    } finally {
      end();
    }
  }

  async #persist<T>(doing: string, operation: (tries: number) => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.patienceMs;
    for (let tries = 1; ; tries += 1) {
      try {
        const result = await this.whileConnected(() => operation(tries));
        this.#unanswered.answered();
        return result;
      } catch (error) {
        if (!isUnreachable(error)) this.#unanswered.answered();
        const left = deadline - performance.now();
        const pause = Math.min(1_000, 50 * 2 ** Math.min(tries, 6)) * (0.5 + Math.random() / 2);
        // By the time that it is given up it is known whether the server is there.
        if (isUnanswered(error)) void this.answers();
        if (mayMissStream(error)) await this.#diagnosis.requireStreams(doing, error);
        if (!isUnreachable(error) || this.#link.hasEnded || pause > left) {
          throw await this.#explained(error, doing);
        }
        await this.#sleep(this.connected ? pause : left);
      }
    }
  }

  /**
   * Does something that is only asked while there is a connection, and given up when that breaks: the answer is lost
   * with it.
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

  /** Hears a subject over this connection and those that follow it. What is said between two of them is missed. */
  hear(subject: string, callback: (message: Msg) => void): Listening {
    const subscribe = (): Listening =>
      runDetached(() =>
        this.nats.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) callback(message);
          },
        }),
      );
    let current = this.connected ? subscribe() : undefined;
    const listening = {
      unsubscribe: () => {
        this.#heard.delete(listening);
        current?.unsubscribe();
      },
    };
    this.#heard.set(listening, () => {
      current = subscribe();
    });
    return listening;
  }

  /** Whether the server is there: it answers a ping within a moment. */
  answers(): Promise<boolean> {
    return this.#link.answers();
  }

  /** The same, and it does what it is asked: a cluster that has no majority only answers pings. */
  async serves(): Promise<boolean> {
    return !this.#unanswered.isSilent && (await this.answers());
  }

  /** Looks what is wrong with a server that gave no answer; takes a moment at most. */
  look(): Promise<ServerState> {
    return this.#diagnosis.look();
  }

  /** Whether it keeps the process alive: while somebody waits for an answer. It does so at first. */
  hold(held: boolean): void {
    if (held) this.#keepAlive.ref();
    else this.#keepAlive.unref();
  }

  async close(): Promise<void> {
    // What was said without waiting for an answer is on its way before the socket is closed.
    await this.answers();
    await this.#link.end();
    clearInterval(this.#keepAlive);
  }

  /** The queue closes: the server is waited for as long as it serves. */
  async #hurry(): Promise<void> {
    do {
      await this.#sleep(LOOK_MS);
    } while (!this.#link.hasEnded && (await this.serves()));
    await this.#link.end();
  }

  /** Resolves when the time is up, when it is connected again, and when nobody waits for that any more. */
  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms).unref();
    this.#waiting.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }

  /** What is known of a server that didn't answer. */
  async #explained(error: unknown, doing: string): Promise<Error> {
    if (!isUnreachable(error)) return toQueueError(error, doing);
    const { failure, hasEnded } = this.#link;
    // Why it is away may be known from the tries to reach it.
    if (!this.connected) return toQueueError(failure ?? error, doing);
    if (hasEnded || !isUnanswered(error)) return toQueueError(error, doing);
    return noAnswer(await this.look(), { doing, stream: this.#stream }, error);
  }

  #onLost(): void {
    for (const lose of this.#underWay) lose();
    if (this.#link.hasEnded) for (const goOn of this.#waiting) goOn();
  }

  #onBack(): void {
    this.madeAt = performance.now();
    this.reconnectedAt = this.madeAt;
    for (const subscribe of this.#heard.values()) subscribe();
    for (const goOn of this.#waiting) goOn();
    this.#listener.onReconnect();
  }
}
