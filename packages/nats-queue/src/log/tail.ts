import { AckPolicy, DeliverPolicy } from "@nats-io/jetstream";
import { createInbox, nanos, type Subscription } from "@nats-io/transport-node";
import { runDetached } from "@ringrift/envelope";
import type { Bell } from "@ringrift/event-queue/backend";
import type { Connection } from "../connection/connection.ts";

const HEARTBEAT_MS = 5_000;
/** So many heartbeats may be missed before the tail is made anew. */
const PATIENCE = 3;
const INACTIVE_MS = 60_000;

/**
 * Rings the bell when an event has been stored, by whomever: a consumer that is sent the headers of everything
 * new. Made when somebody first listens, and made anew (with a ring) when it falls silent.
 */
export class Tail {
  readonly #connection: Connection;
  readonly #stream: string;
  readonly #bell: Pick<Bell, "ring">;
  #subscription: Subscription | undefined;
  #making: Promise<void> | undefined;
  #silence: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(connection: Connection, stream: string, bell: Pick<Bell, "ring">) {
    this.#connection = connection;
    this.#stream = stream;
    this.#bell = bell;
  }

  /** Idempotent; resolves when everything stored from now on rings. */
  listen(): Promise<void> {
    this.#making ??= this.#make();
    return this.#making;
  }

  /** For reconnects: what was sent meanwhile is not told. */
  renew(): void {
    if (this.#making === undefined || this.#closed) return;
    this.#end();
    this.#making = undefined;
    // When it fails, the silence says so, and it is tried again.
    this.listen().catch(() => this.#watch());
    this.#bell.ring();
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  async #make(): Promise<void> {
    try {
      await this.#connection.persist("listening for events", () => this.#subscribe());
    } catch (error) {
      this.#making = undefined;
      throw error;
    }
    this.#bell.ring();
    this.#watch();
  }

  /** Both over one connection. */
  async #subscribe(): Promise<void> {
    const inbox = createInbox(this.#connection.inboxPrefix);
    const subscription = runDetached(() =>
      this.#connection.nats.subscribe(inbox, {
        callback: () => {
          this.#watch();
          this.#bell.ring();
        },
      }),
    );
    try {
      await this.#connection.jsm.consumers.add(this.#stream, {
        deliver_subject: inbox,
        deliver_policy: DeliverPolicy.New,
        ack_policy: AckPolicy.None,
        headers_only: true,
        mem_storage: true,
        num_replicas: 1,
        idle_heartbeat: nanos(HEARTBEAT_MS),
        inactive_threshold: nanos(INACTIVE_MS),
      });
    } catch (error) {
      subscription.unsubscribe();
      throw error;
    }
    // One that was under way when the connection broke may be done by now as well.
    this.#subscription?.unsubscribe();
    this.#subscription = subscription;
    if (this.#closed) this.#end();
  }

  #watch(): void {
    clearTimeout(this.#silence);
    if (this.#closed) return;
    this.#silence = setTimeout(() => this.renew(), HEARTBEAT_MS * PATIENCE).unref();
  }

  #end(): void {
    clearTimeout(this.#silence);
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }
}
