import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamManagerOptions } from "@nats-io/jetstream";
import type { NatsConnection, ServerInfo } from "@nats-io/transport-node";
import type { Dialer } from "./dialer.ts";
import { letEnd, type Link, linkOf } from "./link.ts";
import { reconnectDelay } from "../server/reconnect-delay.ts";

/** Longest that a server may take to answer a ping, where somebody asks whether it is there. */
const SILENCE_MS = 1_500;

/** What a link that is made anew tells. */
export interface LinkListener {
  /** It has broken, or nobody wants it any more: what was asked isn't answered. */
  onLost(): void;
  /** There is one again. */
  onBack(): void;
}

/** A ping that isn't answered yet. */
interface Ping {
  readonly sentAt: number;
  readonly answered: Promise<boolean>;
}

/**
 * The link there is now. When it breaks another one is made, until it is ended; meanwhile `isUp` is false, and `current` is
 * the broken one. The tries to make one don't keep the process alive, but for the one that is under way.
 */
export class StandingLink {
  /** How often it was lost, and made again. */
  readonly history: { disconnects: number; reconnects: number; lastError: string | undefined } = {
    disconnects: 0,
    reconnects: 0,
    lastError: undefined,
  };
  isUp = true;
  readonly #dialer: Dialer;
  readonly #options: JetStreamManagerOptions;
  readonly #listener: LinkListener;
  readonly #delay = reconnectDelay();
  readonly #ended = new AbortController();
  #current: Link;
  #info: ServerInfo | undefined;
  #failure: unknown;
  #ping: Ping | undefined;

  constructor(
    first: Link,
    made: { readonly dialer: Dialer; readonly options: JetStreamManagerOptions },
    listener: LinkListener,
  ) {
    this.#current = first;
    this.#info = first.nats.info;
    this.#dialer = made.dialer;
    this.#options = made.options;
    this.#listener = listener;
    void this.#watch(first);
  }

  get current(): Link {
    return this.#current;
  }

  /** Of the server that it goes to, or went to at last. */
  get info(): ServerInfo | undefined {
    return this.#info;
  }

  /** While it isn't up: why it couldn't be made again, once that was tried. */
  get failure(): unknown {
    return this.#failure;
  }

  get hasEnded(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Whether the server answers a ping within `SILENCE_MS`; at once where it hasn't answered an earlier one for so long. */
  async answers(): Promise<boolean> {
    if (!this.isUp) return false;
    this.#ping ??= this.#sendPing();
    const left = this.#ping.sentAt + SILENCE_MS - performance.now();
    if (left <= 0) return false;
    return Promise.race([this.#ping.answered, sleep(left, false, { ref: false })]);
  }

  /** Idempotent; breaks it off, and makes no other one. */
  async end(): Promise<void> {
    if (!this.hasEnded) {
      this.#ended.abort();
      this.isUp = false;
      this.#listener.onLost();
    }
    // Requests that aren't answered have timers that keep the process alive until then.
    await this.#current.nats.close();
  }

  #sendPing(): Ping {
    const answered = this.#current.nats.flush().then(
      () => true,
      () => false,
    );
    const ping = { sentAt: performance.now(), answered };
    void answered.then(() => {
      if (this.#ping === ping) this.#ping = undefined;
    });
    return ping;
  }

  async #watch({ nats }: Link): Promise<void> {
    for await (const status of nats.status()) {
      if (status.type === "disconnect") this.#lost(nats);
      else if (status.type === "error") this.history.lastError = status.error.message;
      else if (status.type === "ping") letEnd(nats);
      else if (status.type === "update" && nats.info !== undefined) {
        this.#dialer.learn(nats.info, nats.getServer());
      }
    }
    // Whatever ended it.
    this.#lost(nats);
  }

  #lost(nats: NatsConnection): void {
    if (!this.isUp || nats !== this.#current.nats) return;
    this.isUp = false;
    this.#ping = undefined;
    this.history.disconnects += 1;
    this.#listener.onLost();
    void this.#makeAnew();
  }

  /** Never rejects. */
  async #makeAnew(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await sleep(this.#delay.delay(), undefined, { ref: false });
      try {
        const link = await linkOf(await this.#dialer.dial(signal), this.#options);
        if (!signal.aborted) {
          this.#take(link);
          return;
        }
        await link.nats.close();
      } catch (error) {
        if (signal.aborted) return;
        this.#failure = error;
        this.history.lastError = error instanceof Error ? error.message : String(error);
      }
    }
  }

  #take(link: Link): void {
    this.#current = link;
    this.#info = link.nats.info ?? this.#info;
    this.#failure = undefined;
    this.#delay.reset();
    this.isUp = true;
    this.history.reconnects += 1;
    void this.#watch(link);
    this.#listener.onBack();
  }
}
