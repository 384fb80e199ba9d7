import { createEventBus, type EventBus } from "@ringrift/core-bus";
import { createLineage } from "@ringrift/envelope";
import type { AnyCatalogue } from "@ringrift/mappings";

/** What a coordinator reads from its log: an event with the lineage that it had. */
export interface Logged {
  readonly topic: string;
  readonly payload: object;
  readonly lineage: ReturnType<typeof createLineage>;
}

/** An event of the past, `time` in milliseconds since the epoch. */
export function logged(topic: string, payload: object, time: number): Logged {
  return { topic, payload, lineage: { ...createLineage(), time } };
}

/** The bus of a process that has just begun: nothing is in its history yet. */
export function newBus(catalogue: AnyCatalogue, history: number | false = 1000): EventBus {
  return createEventBus({ events: catalogue.topics, history });
}

/** Fills a history as a coordinator does: the newest events of the log, oldest first. */
export function fill(bus: EventBus, log: readonly Logged[]): void {
  const { capacity } = bus.stats().history;
  for (const event of log.slice(-capacity)) bus.remember(event);
}

/** Publishes an event that exists already, as a coordinator does with what a queue brings. */
export function deliver(bus: EventBus, { topic, payload, lineage }: Logged, redelivered = false) {
  return bus.publish(topic, payload, { lineage, ...(redelivered && { redelivered }) });
}

/** Resolves when what was put off to the end of the turn has been done. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The process warnings of a test, by code. */
export function warningsOf(
  onFinished: (undo: () => void) => void,
): { code: string; text: string }[] {
  const warnings: { code: string; text: string }[] = [];
  const listen = (warning: Error & { code?: string }): void => {
    warnings.push({ code: warning.code ?? "", text: warning.message });
  };
  process.on("warning", listen);
  onFinished(() => void process.off("warning", listen));
  return warnings;
}
