import { setTimeout as sleep } from "node:timers/promises";
import { monotonicMicros } from "../journal.ts";
import { act, type ActorOptions, actorOptions } from "./actor.ts";

export interface ConsumerOptions extends ActorOptions {
  readonly group: string;
  readonly leaseMs: number;
  /** How long the work on an event takes. */
  readonly workMs: number;
}

const options = actorOptions() as ConsumerOptions;
const { group: name, leaseMs, workMs } = options;

await act(options, async ({ queue, journal, isRunning, ask }) => {
  // More attempts than any run has faults: what is redelivered again and again must not die of it.
  const group = queue.group(name, { from: "beginning", maxAttempts: 1000 });
  while (isRunning()) {
    const events = await ask(undefined, () => group.receive({ limit: 10, waitMs: 200, leaseMs }));
    for (const event of events ?? []) {
      const { id, key = "", position, attempt } = event;
      const { from, n } = event.payload as { from: string; n: number };
      journal.write({ kind: "begin", id, from, n, key, position, attempt });
      if (workMs > 0) await sleep(workMs);
      journal.write({ kind: "acking", id });
      const asked = monotonicMicros();
      const held = (await ask(undefined, () => event.ack())) ?? false;
      journal.write({ kind: "settled", id, held, asked });
    }
  }
});
