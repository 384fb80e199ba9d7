import { onAbort } from "../host/abort.ts";
import { aFunction, aSignal, checkOptions, type Rules, someMillis } from "../contract/checked.ts";
import { EventBusError } from "../contract/errors.ts";
import type { BusEvent } from "../contract/event.ts";
import type { Handler, Subscription } from "../contract/subscription.ts";
import { startTimer } from "../host/timer.ts";

/** For which event a wait is, and when it gives up. */
export interface WaitOptions<E = BusEvent> {
  /**
   * Waits on for an event for which it is true. When it throws, that is reported, and the wait goes on.
   * @default the first event
   */
  readonly where?: ((event: E) => boolean) | undefined;
  /** Rejects with `signal.reason` when it aborts. @default none */
  readonly signal?: AbortSignal | undefined;
  /** Rejects with `WAIT_TIMEOUT` after so long. Until then the process is kept alive. @default no limit */
  readonly timeoutMs?: number | undefined;
}

const RULES: Rules<WaitOptions> = { where: aFunction, signal: aSignal, timeoutMs: someMillis };

export interface Waiting {
  readonly promise: Promise<BusEvent>;
  /** Ends the wait with an error. */
  readonly reject: (cause: unknown) => void;
}

/** Waits for one event. `subscribe` makes the subscription that brings it, and calls `onEnd` when that has ended. */
export function waitForEvent(
  options: WaitOptions,
  subscribe: (handler: Handler, onEnd: () => void) => Subscription,
): Waiting {
  checkOptions(options, RULES);
  const { signal, timeoutMs } = options;
  const { promise, resolve, reject } = Promise.withResolvers<BusEvent>();
  if (signal?.aborted) {
    reject(signal.reason);
    return { promise, reject };
  }
  let stopTimer: (() => void) | undefined;
  let stopListening: (() => void) | undefined;
  let end: (() => void) | undefined;
  const subscription = subscribe(
    (event) => {
      resolve(event);
      finish();
    },
    () =>
      fail(
        new EventBusError(
          "WAIT_ENDED",
          "Somebody ended the subscription of a wait. Abort the wait's signal instead.",
        ),
      ),
  );
  // A listener of the bus's signals may have ended it already.
  if (!subscription.active) return { promise, reject };
  end = subscription;
  if (timeoutMs !== undefined) {
    stopTimer = startTimer(timeoutMs, () => {
      fail(
        new EventBusError(
          "WAIT_TIMEOUT",
          `No event came on "${subscription.topic}" within ${timeoutMs} ms.`,
        ),
      );
    });
  }
  if (signal) stopListening = onAbort(signal, () => fail(signal.reason));

  function finish(): void {
    end?.();
    stopTimer?.();
    stopListening?.();
  }
  function fail(cause: unknown): void {
    reject(cause);
    finish();
  }
  return { promise, reject: fail };
}
