import type { Socket } from "node:net";
import {
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  type JetStreamManagerOptions,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";

/** One connection of the client, from when it is made until it breaks, and the JetStream of its account. */
export interface Link {
  readonly nats: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

/**
 * What works on a connection that was just made. It doesn't keep the process alive.
 *
 * @throws whatever the client does when the account has no JetStream, if `checkAPI` asks for it (rejects)
 */
export async function linkOf(
  nats: NatsConnection,
  options: JetStreamManagerOptions,
): Promise<Link> {
  letEnd(nats);
  const jsm = await jetstreamManager(nats, options);
  return { nats, js: jetstream(nats, options), jsm };
}

/** The socket and the ping timer of the client don't keep the process alive; the timer is a new one with each ping. */
export function letEnd(nats: NatsConnection): void {
  const parts = internals(nats);
  parts?.transport?.socket?.unref?.();
  parts?.heartbeats?.timer?.unref?.();
}

/** What the client has for itself: nothing else can say that a socket doesn't keep the process alive. */
interface ClientInternals {
  readonly transport?: { readonly socket?: Partial<Pick<Socket, "unref">> };
  readonly heartbeats?: { readonly timer?: { unref?: () => void } };
}

function internals(nats: NatsConnection): ClientInternals | undefined {
  // The cast is safe: each part is looked at before it is used.
  return (nats as { protocol?: ClientInternals }).protocol;
}
