import { jsonText } from "../run-folder.ts";
import type { StageContext } from "./context.ts";

/** A stage result of the demo, as `stages.emit` takes it. */
export type StageResult = Parameters<StageContext["events"]["stages"]["emit"]>[0];

/**
 * Emit the result of the work called `name`, once: from the stage bus it goes on to its topic and from
 * there to the queue. The first result is kept in the run folder. When the work's event comes again,
 * that one is emitted, and not a second one that differs from it by its time or by who did it: what a
 * handler publishes again is the same event only if it says the same.
 *
 * @throws AggregateError of what went wrong on the way, so that the handler fails and its event comes again
 */
export async function emitOnce(
  { events, folder }: StageContext,
  name: string,
  result: StageResult,
): Promise<void> {
  const file = `results/${result.stage}/${name}.json`;
  folder.createOnce(file, jsonText(result));
  const { errors } = await events.stages.emit(folder.readJson(file) as StageResult);
  if (errors.length > 0) throw new AggregateError(errors, `"${file}" was not stored.`);
}
