import { defineCatalogue, named } from "@ringrift/mappings";

/** Every way to publish. */
export const CALLS = [
  "events.publish",
  "bus.publish",
  "bus.publishSync",
  "stages.emit",
  "emitters",
  "queue.send",
] as const;
export type Call = (typeof CALLS)[number];

/** What every event of a run says: the name under which the journals know it, unlike any other's. */
export interface Named {
  readonly name: string;
  readonly key?: string;
}

/** What those who get an event are to do with it. */
export interface Task extends Named {
  /** Attempts of the work that fail. */
  readonly failures: number;
  /** Fails for good. */
  readonly isPoison: boolean;
  /** The work publishes so much at every attempt, by these calls. */
  readonly children: readonly Call[];
  /** The first attempt publishes one thing and fails; later ones publish another thing. */
  readonly hasDetour: boolean;
  readonly workMs: number;
  /** The first attempt keeps the processor busy for so long. */
  readonly burnMs: number;
  /** The bus subscriber of its publisher waits for the answer of the work. */
  readonly asks: boolean;
  /** Every bus subscriber publishes so much, by these calls. */
  readonly echoes: readonly Call[];
  /** Bus subscribers fail. */
  readonly isUnheard: boolean;
}

/** `withKeys`: the catalogue says that an event's key is in its payload, once it can. */
// oxlint-disable-next-line typescript/explicit-function-return-type -- the type is what the definitions say
export function catalogueOf(withKeys: boolean) {
  if (!withKeys) return define({});
  try {
    return define({ key: "key" });
  } catch (error) {
    // It doesn't know the option yet; that keys are missing is for the judge to say.
    if ((error as { code?: string }).code === "INVALID_DEFINITION") return define({});
    throw error;
  }
}

// oxlint-disable-next-line typescript/explicit-function-return-type -- the type is what the definitions say
function define(more: object) {
  return defineCatalogue({
    "task.given": named<Task>()({ stages: ["task_given"], failure: "step.failed", ...more }),
    "task.answered": named<Named>()({ stages: ["task_answered"], failure: "step.failed", ...more }),
    "leaf.made": named<Named>()({ stages: ["leaf_made"], failure: "step.failed", ...more }),
    "step.failed": named<Named>()({ stages: ["step_failed"] }),
  });
}

export type Topic = "task.given" | "task.answered" | "leaf.made";
export const QUEUE_TYPES = {
  "task.given": "TASK_GIVEN",
  "task.answered": "TASK_ANSWERED",
  "leaf.made": "LEAF_MADE",
} as const;
export const STAGES = {
  "task.given": "task_given",
  "task.answered": "task_answered",
  "leaf.made": "leaf_made",
} as const;
export const EMITTERS = {
  "task.given": "taskGiven",
  "task.answered": "taskAnswered",
  "leaf.made": "leafMade",
} as const;

/** Group → the topics that it works on. */
export const WORK = { workers: "task.given", auditors: "leaf.made" } as const;
