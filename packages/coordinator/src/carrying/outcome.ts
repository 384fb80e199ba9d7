import { outcomeProblem } from "@ringrift/envelope";
import { PermanentError, type StoredEvent } from "@ringrift/event-queue";
import type { AnyCatalogue } from "@ringrift/mappings";
import { CoordinatorError } from "../errors.ts";

/**
 * Refuses to publish an event that says `success: false` under a topic that means success.
 *
 * @throws CoordinatorError `WRONG_OUTCOME`
 */
export function checkOutcome(catalogue: AnyCatalogue, topic: string, payload: unknown): void {
  const problem = outcomeProblem(catalogue.topics, topic, payload);
  if (problem !== undefined) throw new CoordinatorError("WRONG_OUTCOME", problem);
}

/** Why no retry can make a stored event handled: something else wrote it, under a topic of the other outcome. */
export function wrongOutcome(
  catalogue: AnyCatalogue,
  topic: string,
  { id, payload }: StoredEvent,
): PermanentError | undefined {
  const problem = outcomeProblem(catalogue.topics, topic, payload);
  if (problem === undefined) return undefined;
  const cause = new CoordinatorError("WRONG_OUTCOME", problem);
  return new PermanentError(`Event ${id} can't be handled: ${problem}`, { cause });
}
