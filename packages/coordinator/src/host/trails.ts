import { type RunawayTrail, TrailWatch } from "@ringrift/envelope";
import type { HealthProblem } from "@ringrift/event-queue";
import { emitCoordinatorWarning } from "./warning.ts";

/** Trails that are warned of: where one runs away, hundreds may. */
const MOST_WARNINGS = 20;

const ACTION =
  "Look at its last events (they share this correlationId), and have one of the handlers stop; the bus's maxCausalDepth is a limit for all of them.";

/** Watches the trails of a coordinator's events: one warning for each that runs away, while there are few. */
export class Trails {
  #warnings = 0;
  readonly watch: TrailWatch = new TrailWatch({
    onRunaway: (trail) => {
      this.#warnings += 1;
      if (this.#warnings > MOST_WARNINGS) return;
      emitCoordinatorWarning("RINGRIFT_RUNAWAY_TRAIL", `${describe(trail)} ${ACTION}`);
    },
  });

  /** One for each that runs away now. */
  problems(): HealthProblem[] {
    return this.watch.runaways().map((trail) => ({
      code: "RUNAWAY_TRAIL",
      severity: "warning",
      subject: trail.correlationId,
      message: describe(trail),
      action: ACTION,
    }));
  }
}

function describe({ correlationId, depth }: RunawayTrail): string {
  return `Handlers answer each other without an end: the trail "${correlationId}" is ${depth} handlers deep, more than 1,000 of them within a minute.`;
}
