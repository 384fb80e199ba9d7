import type { StageContext } from "./stages/context.ts";
import { registerEvaluator } from "./stages/evaluator.ts";
import { ModelCache } from "./stages/models.ts";
import { registerPromoter } from "./stages/promoter.ts";
import { registerRating } from "./stages/rating.ts";
import { registerSelfplay } from "./stages/selfplay.ts";
import { registerSync } from "./stages/sync.ts";
import { registerTrainer } from "./stages/trainer.ts";

/** What a node is for. */
export type Role = "worker" | "sync" | "trainer" | "evaluator" | "promoter";

/** Registers a role's handlers with its node's coordinator. */
export const ROLES: Readonly<Record<Role, (context: StageContext) => void>> = {
  worker: (context) => {
    const models = new ModelCache(context.folder);
    registerSelfplay(context, models);
    registerRating(context, models);
  },
  sync: registerSync,
  trainer: registerTrainer,
  evaluator: registerEvaluator,
  promoter: registerPromoter,
};

/** A node to be started. */
export interface NodeSpec {
  readonly name: string;
  readonly role: Role;
}

/** The nodes of a run, the launcher's own besides. */
export function nodesFor(workers: number): NodeSpec[] {
  return [
    ...Array.from({ length: workers }, (_, i): NodeSpec => ({
      name: `worker-${i + 1}`,
      role: "worker",
    })),
    { name: "sync", role: "sync" },
    { name: "trainer", role: "trainer" },
    { name: "evaluator", role: "evaluator" },
    { name: "promoter", role: "promoter" },
  ];
}

/** Node name of the process that starts the others. */
export const LAUNCHER = "launcher";
