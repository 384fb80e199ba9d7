import type { EventCoordinator, WorkEvent } from "@ringrift/coordinator";
import type { TopicsOf } from "@ringrift/coordinator";
import type { EventLineage } from "@ringrift/envelope";
import { nodeId } from "@ringrift/envelope";
import type { DeliveryContext } from "@ringrift/event-queue";
import { GROUP_POLICY, WORK_GROUPS } from "../catalogue.ts";
import type { WorkGroup, demoCatalogue } from "../catalogue.ts";
import type { TrainingPreset } from "../game/index.ts";
import type { Ledger, LedgerOutcome } from "../ledger.ts";
import type { RunFolder } from "../run-folder.ts";

/** The demo's catalogue as a type. */
export type DemoCatalogue = typeof demoCatalogue;
/** The topics of the demo with their payloads. */
export type DemoTopics = TopicsOf<DemoCatalogue>;

/** What a stage gets to do its work with. */
export interface StageContext {
  readonly node: string;
  readonly events: EventCoordinator<DemoCatalogue>;
  readonly folder: RunFolder;
  readonly ledger: Ledger;
  readonly run: RunSettings;
}

/** What all processes of a run agree on; `run.json` in the run folder. */
export interface RunSettings {
  readonly runId: string;
  readonly configKey: string;
  readonly size: number;
  readonly seed: string;
  readonly preset: TrainingPreset;
  /** Model of generation 0, that everything begins with. */
  readonly firstModelId: string;
}

/** What a handler did: written to the ledger before the event is acked. */
export interface Done {
  readonly outcome: Exclude<LedgerOutcome, "failed" | "seen">;
  readonly effectKey?: string;
}

/** An event of one of a work group's topics. */
export type GroupEvent<G extends WorkGroup> = WorkEvent<
  DemoTopics,
  (typeof WORK_GROUPS)[G][number]
>;

/**
 * Do a group's work: `handler` gets each event of the group's topics that this process is given, and
 * says what it did. A handler that throws gets the event again, after ten attempts nobody does.
 */
export function work<G extends WorkGroup>(
  context: StageContext,
  group: G,
  handler: (event: GroupEvent<G>, delivery: DeliveryContext) => Promise<Done>,
): void {
  const topics: readonly (typeof WORK_GROUPS)[G][number][] = WORK_GROUPS[group];
  context.events.handle(topics, { group, ...GROUP_POLICY }, async (event, delivery) => {
    const startedAt = Date.now();
    const line = (outcome: LedgerOutcome, more: { effectKey?: string; error?: string }): void =>
      context.ledger.write({
        ...identity(event),
        attempt: event.attempt,
        redelivered: event.redelivered,
        outcome,
        group,
        startedAt,
        at: Date.now(),
        ...more,
      });
    try {
      const { outcome, effectKey } = await handler(event, delivery);
      line(outcome, effectKey === undefined ? {} : { effectKey });
    } catch (error) {
      line("failed", { error: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  });
}

/** The part of a ledger line that every event has. */
export function identity(event: EventLineage & { readonly topic: string }): {
  id: string;
  topic: string;
  time: number;
  remote: boolean;
} {
  return { id: event.id, topic: event.topic, time: event.time, remote: event.origin !== nodeId() };
}

/** `applied` when this delivery brought the effect about, `found` when an earlier one had. */
export function effect(effectKey: string, applied: boolean): Done {
  return { outcome: applied ? "applied" : "found", effectKey };
}
