import { isFatal } from "./queue-errors.ts";

const TRIES = 4;

/**
 * Tries an ack or a nack again when the queue is busy: what is done must not be done twice because of a
 * moment's trouble. About a second in all; then the lease runs out and the event is delivered again.
 */
export async function settled(operation: () => Promise<boolean>): Promise<boolean> {
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
