import {
  type AnyCatalogue,
  CatalogueError,
  defineCatalogue,
  type EventDefinition,
  named,
} from "@ringrift/mappings";
import { StageEventsError } from "../errors.ts";
import { namesOf, type PhaseStages } from "./phase.ts";

/**
 * Makes the catalogue of a pipeline that came without one: `picking.completed`, `picking.failed` and
 * so on, so that a coordinator can carry its events like any others.
 *
 * @throws StageEventsError `INVALID_PIPELINE`
 */
export function standaloneCatalogue(phases: Readonly<Record<string, PhaseStages>>): AnyCatalogue {
  const definitions: Record<string, EventDefinition> = {};
  for (const [phase, stages] of Object.entries(phases)) {
    const failure = `${phase}.failed`;
    const rejection = stages.rejected === undefined ? {} : { rejection: `${phase}.rejected` };
    const success = { failure, ...rejection };
    definitions[`${phase}.completed`] = named()({ stages: namesOf(stages.complete), ...success });
    definitions[failure] = named()({ stages: namesOf(stages.failed ?? `${phase}_failed`) });
    if (stages.started !== undefined) {
      definitions[`${phase}.started`] = named()({ stages: namesOf(stages.started), failure });
    }
    if (stages.rejected !== undefined) {
      definitions[`${phase}.rejected`] = named()({ stages: namesOf(stages.rejected) });
    }
  }
  try {
    return defineCatalogue(definitions);
  } catch (cause) {
    if (!(cause instanceof CatalogueError)) throw cause;
    throw new StageEventsError("INVALID_PIPELINE", cause.message, { cause });
  }
}
