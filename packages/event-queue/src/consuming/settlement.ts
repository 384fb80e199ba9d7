import { tellOfFailedAttempt } from "./attempt-channel.ts";
import { type DeliveryOutcome, isForWantOfSpace } from "./delivery.ts";
import { isPermanent } from "../failures/error-data.ts";
import type { LeasedEvent } from "../contract/events.ts";
import type { LeaseSource } from "../leasing/lease-source.ts";
import { isFatal } from "../failures/queue-errors.ts";

const TRIES = 4;

/** What settling came to, as a consumer counts it. */
type SettlementCount = "handled" | "deadLettered" | "leasesLost";

/** Acks, nacks or gives back an event as its delivery ended; resolves to what is to be counted, if anything. */
export async function settle(
  source: LeaseSource,
  event: LeasedEvent,
  outcome: DeliveryOutcome,
): Promise<SettlementCount | undefined> {
  if (outcome.kind === "abandoned") {
    return outcome.reason.code === "LEASE_LOST" ? "leasesLost" : undefined;
  }
  if (outcome.kind === "handled") {
    return (await settled(() => event.ack())) ? "handled" : "leasesLost";
  }
  if (isForWantOfSpace(outcome)) {
    await source.release(event);
    return undefined;
  }
  const { error } = outcome;
  const { attempt } = event;
  const willRetry = !isPermanent(error) && attempt < source.maxAttempts;
  tellOfFailedAttempt({ group: source.group, event, attempt, error, willRetry });
  if (!(await settled(() => event.nack({ reason: error })))) return "leasesLost";
  return willRetry ? undefined : "deadLettered";
}

/**
 * Tries an ack or a nack again when the queue is busy: what is done must not be done twice because of a
 * moment's trouble. About a second in all; then the lease runs out and the event is delivered again.
 */
async function settled(operation: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await operation();
    } catch (error) {
      if (tries === TRIES || isFatal(error)) throw error;
      const pause = 50 * 2 ** tries * (0.5 + Math.random() / 2);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
