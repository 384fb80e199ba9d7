import type { Suite } from "../runner/scenario.ts";
import { fairnessScenario } from "./fairness.ts";
import { groupsScenario } from "./groups.ts";
import { insertScenarios } from "./inserts.ts";
import { startFolder } from "./logs.ts";
import { pipelineScenarios } from "./pipelines.ts";
import { startServers } from "./servers.ts";
import { sizeScenarios } from "./sizes.ts";
import { idleScenario, wakeUpScenario } from "./wake-up.ts";

/** Compares cross-process-queue with the limit of its file format, and with the queues that people use. */
export const queueSuite: Suite = {
  name: "queue",
  rounds: 9,
  async setUp() {
    const removeFolder = startFolder();
    const stopServers = await startServers();
    return async () => {
      await stopServers();
      removeFolder();
    };
  },
  scenarios: [
    ...insertScenarios,
    ...pipelineScenarios,
    groupsScenario,
    ...sizeScenarios,
    fairnessScenario,
    wakeUpScenario,
    idleScenario,
  ],
};
