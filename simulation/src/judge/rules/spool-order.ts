import { type EntryOf, isByBus } from "../../ledger.ts";
import { type Complaint, groupBy, type Trial } from "../trial.ts";

/**
 * What a process keeps back until the queue takes it is stored in the order in which it was published; a child that a
 * later life publishes again, in that life's order.
 */
export function* spoolOrder(trial: Trial): Generator<Complaint> {
  const stored = new Map(trial.stored.map((event) => [`${event.queue} ${event.tag}`, event]));
  // One whose first call did its work, and only the answer was lost, did not wait.
  const spooled = new Set(
    trial
      .of("published")
      .filter(({ outcome }) => outcome === "spooled")
      .filter(({ tag, index }) => !trial.stored.some((one) => one.tag === tag && one.index < index))
      .map(({ tag }) => tag),
  );
  const isLate = ({ queue, tag, index }: EntryOf<"publish">): boolean =>
    index > (stored.get(`${queue} ${tag}`)?.index ?? 0);
  const waiting = trial.of("publish").filter((one) => spooled.has(one.tag) && !isLate(one));
  const lastLifeOf = new Map(waiting.map(({ tag, node, life }) => [tag, `${node}#${life}`]));
  for (const publishes of groupBy(waiting, ({ node, life }) => `${node}#${life}`).values()) {
    let last: EntryOf<"stored"> | undefined;
    const seen = new Set<string>();
    for (const { queue, tag, node, life } of publishes) {
      if (lastLifeOf.get(tag) !== `${node}#${life}` || seen.has(tag)) continue;
      seen.add(tag);
      const event = stored.get(`${queue} ${tag}`);
      if (!event) continue;
      if (last && event.position < last.position) {
        const message = `${last.tag} was published before ${tag}, and is behind it in the log.`;
        yield { kind: "spool-order: overtaken", message, lines: [last.index, event.index] };
      }
      last = event;
    }
  }
  yield* judgePassing(trial);
}

/** What is published on a bus while others wait there is stored after these. */
function* judgePassing(trial: Trial): Generator<Complaint> {
  // A child that is published again has its place already.
  const firsts = new Map<string, EntryOf<"publish">>();
  for (const publish of trial.of("publish")) {
    const name = `${publish.node}#${publish.life} ${publish.tag}`;
    if (!firsts.has(name)) firsts.set(name, publish);
  }
  for (const { node, life, tag, outcome, index } of trial.of("published")) {
    if (outcome !== "spooled") continue;
    const isOfIt = (one: { readonly by: string }): boolean => one.by === `${node}#${life}`;
    const waiting = trial.stored.find((one) => one.tag === tag && isOfIt(one));
    if (!waiting || waiting.index < index) continue;
    // A stop gave it up, and a handler that runs again has published it again.
    if (trial.endedBetween(node, index, waiting.index) !== undefined) continue;
    for (const publish of firsts.values()) {
      const isMeanwhile = publish.index > index && publish.index < waiting.index;
      if (!isMeanwhile || publish.node !== node || publish.life !== life) continue;
      if (!isByBus(publish.via)) continue;
      const event = trial.stored.find((one) => one.tag === publish.tag && isOfIt(one));
      if (!event || event.queue !== waiting.queue || event.index < publish.index) continue;
      if (event.position > waiting.position) continue;
      const message = `${publish.tag} was published while ${tag} waited, and is before it in the log.`;
      yield { kind: "spool-order: passed", message, lines: [event.index, waiting.index] };
    }
  }
}
