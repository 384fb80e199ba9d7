import { errors } from "@nats-io/transport-node";
import type { Connection } from "../connection/connection.ts";
import { unreachable } from "../server/nats-errors.ts";
import { type ConsumerAddress, consumerExists } from "./pull-request.ts";
import type { RawMessage } from "./raw-message.ts";
import { isStillStored, type Stored } from "./still-stored.ts";

const NANOS = 1_000_000;

/** What may be said about a delivery. */
export const ACK = "+ACK";
/** It is worked on: the time to ack begins anew. */
const WORKING = "+WPI";
export const TERMINATE = "+TERM";
/** It is given back at once. */
export const GIVE_BACK = "-NAK";

/** How long after the end of a lease the server gives the event away: no ack that was sent in time is late. */
export function graceOf(leaseMs: number): number {
  return Math.round(Math.min(1_000, Math.max(20, leaseMs / 10)));
}

/** It is delivered again in `ms` unless it is settled before: a retry's delay, or the end of a lease. */
export function deliverAgainIn(ms: number): string {
  return `-NAK {"delay": ${Math.max(1, Math.round(ms)) * NANOS}}`;
}

/** The lease is so long from now on; `usualMs` is what the server gives by itself. */
export function leaseFor(ms: number, usualMs: number): string {
  return ms === usualMs ? WORKING : deliverAgainIn(ms + graceOf(ms));
}

/** How something is said about a delivery. */
export interface Saying {
  /** Whether it may be said again where no answer came. Without it, it may always. */
  readonly mayStill?: (() => boolean) | undefined;
  /** Called when it has been sent for the first time, before the server answers. */
  readonly onSent?: (() => void) | undefined;
}

/**
 * Says something about a delivery and waits until the server has taken it in. `false` when its consumer is
 * gone, the server has lost the message, or `mayStill` says that it is too late to try again.
 *
 * @throws QueueError (rejects) `SERVER_UNREACHABLE`
 */
export function acknowledge(
  connection: Connection,
  delivery: ConsumerAddress & Stored & Pick<RawMessage, "reply">,
  what: string,
  { mayStill = () => true, onSent }: Saying = {},
): Promise<boolean> {
  return connection.persist("settling an event", async (tries) => {
    if (tries > 1 && !mayStill()) return false;
    // By its position it would be said of another message.
    if (!(await isStillStored(connection, delivery.stream, delivery))) return false;
    try {
      const answered = connection.nats.request(delivery.reply, what, { timeout: 2_000 });
      onSent?.();
      await answered;
      return true;
    } catch (error) {
      if (!isNoResponder(error)) throw error;
      // Nobody listens: the consumer is gone, or has no leader at the moment.
      if (!(await consumerExists(connection, delivery))) return false;
      throw unreachable("settling an event", error);
    }
  });
}

function isNoResponder(error: unknown): boolean {
  return (
    error instanceof errors.NoRespondersError ||
    (error instanceof errors.RequestError && error.isNoResponders())
  );
}
