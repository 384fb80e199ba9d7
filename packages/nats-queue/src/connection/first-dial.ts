import { setTimeout as sleep } from "node:timers/promises";
import type { JetStreamManagerOptions } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { closedError } from "@ringrift/event-queue/backend";
import { notConnected } from "../server/connection-errors.ts";
import { Dialer } from "./dialer.ts";
import type { CheckedOptions } from "../server/options.ts";
import { reconnectDelay } from "../server/reconnect-delay.ts";

/** How long the client waits for one answer, and for a server that it connects to. */
const LONGEST_TRY_MS = 4_000;

/** How the JetStream of the account is asked. */
export function managing({ patienceMs, domain }: CheckedOptions): JetStreamManagerOptions {
  return {
    // Whether the account has JetStream is asked once, when the queue is opened.
    checkAPI: false,
    timeout: Math.min(patienceMs, LONGEST_TRY_MS),
    ...(domain !== undefined && { domain }),
  };
}

/**
 * The first connection, and what makes the next ones.
 *
 * @param ending - aborted when nobody waits for it any more
 * @throws QueueError (rejects) `SERVER_UNREACHABLE`, `ACCESS_DENIED`, `INVALID_OPTION`, `QUEUE_CLOSED`
 */
export async function firstDial(
  options: CheckedOptions,
  ending: AbortSignal,
): Promise<{ dialer: Dialer; nats: NatsConnection }> {
  const dialing = async (): Promise<{ dialer: Dialer; nats: NatsConnection }> => {
    const { connection, patienceMs, stream } = options;
    const dialer = new Dialer({
      name: `ringrift ${stream}`,
      pingInterval: 10_000,
      timeout: Math.min(patienceMs, LONGEST_TRY_MS),
      ...connection,
    });
    const { delay } = reconnectDelay();
    for (;;) {
      try {
        return { dialer, nats: await dialer.dial(ending) };
      } catch (error) {
        if (connection.waitOnFirstConnect !== true || ending.aborted) throw error;
        await sleep(delay());
      }
    }
  };
  const closed = Promise.withResolvers<never>();
  const close = (): void => closed.reject(closedError());
  closed.promise.catch(() => {});
  ending.addEventListener("abort", close, { once: true });
  if (ending.aborted) close();
  const opening = dialing();
  try {
    return await Promise.race([opening, closed.promise]);
  } catch (error) {
    // It may come yet.
    opening.then(({ nats }) => nats.close()).catch(() => {});
    throw ending.aborted ? closedError() : notConnected(error, options);
  } finally {
    ending.removeEventListener("abort", close);
  }
}
