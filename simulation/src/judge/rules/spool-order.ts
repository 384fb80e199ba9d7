import type { EntryOf } from "../../ledger.ts";
import { type Complaint, groupBy, type Trial } from "../trial.ts";

/** What a process keeps back until the queue takes it is stored in the order in which it was published. */
export function* spoolOrder(trial: Trial): Generator<Complaint> {
  const spooled = new Set(
    trial
      .of("published")
      .filter(({ outcome }) => outcome === "spooled")
      .map(({ tag }) => tag),
  );
  const stored = new Map(trial.stored.map((event) => [`${event.queue} ${event.tag}`, event]));
  const waiting = trial.of("publish").filter(({ tag }) => spooled.has(tag));
  for (const publishes of groupBy(waiting, ({ node, life }) => `${node}#${life}`).values()) {
    let last: EntryOf<"stored"> | undefined;
    for (const { queue, tag } of publishes) {
      const event = stored.get(`${queue} ${tag}`);
      if (!event) continue;
      if (last && event.position < last.position) {
        const message = `${last.tag} was published before ${tag}, and is behind it in the log.`;
        yield { kind: "spool-order: overtaken", message, tag, lines: [last.index, event.index] };
      }
      last = event;
    }
  }
}
