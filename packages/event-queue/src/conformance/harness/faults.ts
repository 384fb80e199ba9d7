import { BackedQueue } from "../../queue/backed-queue.ts";
import type { EventQueue } from "../../contract/event-queue.ts";

/** Faults that a test brings upon one instance of a queue that is built on `BackedQueue`. */
export interface QueueFaults {
  /**
   * Ends the instance as `kill -9` ends a process: its calls are never answered, no later one reaches the log, and
   * nothing is given back. Its handles on files and sockets are freed.
   */
  end(): Promise<void>;
  /**
   * The next call reaches the log and does its work there; its answer is lost on the way, and the call rejects with
   * `ANSWER_LOST`, a code of the tests' own.
   */
  loseNextAnswer(): void;
}

/**
 * Brings faults upon a queue, for tests of a backend and of what uses it.
 *
 * @throws TypeError when the queue isn't built on `BackedQueue`
 * @example
 * const faults = injectFaults(queue);
 * faults.loseNextAnswer();
 * await queue.send("ORDER_PLACED", {}, { dedupeKey: "A-1" }).catch(() => {}); // stored, and nobody knows
 */
export function injectFaults(queue: EventQueue): QueueFaults {
  const instance = BackedQueue.instanceOf(queue);
  if (instance === undefined) {
    throw new TypeError(
      "The queue isn't built on BackedQueue. Bring faults upon it by other means.",
    );
  }
  let losing = false;
  instance.intercept({
    call: async (run) => {
      const isLost = losing;
      losing = false;
      const answer = await run();
      if (isLost) throw new AnswerLost();
      return answer;
    },
    ring: (deliver) => deliver(),
  });
  return {
    end: () => instance.cutOff(),
    loseNextAnswer: () => {
      losing = true;
    },
  };
}

/** As when a connection breaks between the work and its answer. */
class AnswerLost extends Error {
  override readonly name = "AnswerLost";
  readonly code = "ANSWER_LOST";

  constructor() {
    super("The call did its work, and a test lost its answer.");
  }
}
