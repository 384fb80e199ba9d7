import type { StageContext } from "./context.ts";

/** A stage result of the demo, as `stages.emit` takes it. */
export type StageResult = Parameters<StageContext["events"]["stages"]["emit"]>[0];

/**
 * Emit a stage result and insist that it is stored: from the stage bus it goes on to its topic and
 * from there to the queue. When it isn't, the handler must fail, so that its event comes again.
 *
 * @throws AggregateError of what went wrong on the way
 */
export async function emitStored({ events }: StageContext, result: StageResult): Promise<void> {
  const { errors } = await events.stages.emit(result);
  if (errors.length > 0) throw new AggregateError(errors, `"${result.stage}" was not stored.`);
}
