import { setTimeout as sleep } from "node:timers/promises";
import { act, type ActorOptions, actorOptions } from "./actor.ts";

export interface PublisherOptions extends ActorOptions {
  /** Order keys, in turn; 0: events have none. */
  readonly keys: number;
  /** Characters that an event carries besides its name. */
  readonly padding: number;
  /** Pause after each send, in milliseconds. */
  readonly pauseMs: number;
  /** Events that are sent at the same time. */
  readonly outstanding: number;
}

const options = actorOptions() as PublisherOptions;
const { by, keys, padding, pauseMs, outstanding } = options;

await act(options, async ({ queue, journal, isRunning, ask }) => {
  const send = async (n: number): Promise<void> => {
    const key = keys === 0 ? undefined : `key-${n % keys}`;
    journal.write({ kind: "attempt", n, key: key ?? "" });
    const payload = { from: by, n, padding: "x".repeat(padding) };
    const event = await ask(n, () => queue.send("TICK", payload, { key }));
    if (event) journal.write({ kind: "sent", n, id: event.id, position: event.position });
  };
  for (let n = 1; isRunning(); n += outstanding) {
    await Promise.all(Array.from({ length: outstanding }, (_, index) => send(n + index)));
    if (pauseMs > 0) await sleep(pauseMs);
  }
});
