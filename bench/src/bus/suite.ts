import type { Suite } from "../runner/scenario.ts";
import { awaitedScenarios } from "./awaited.ts";
import { memoryScenario } from "./memory.ts";
import { patternScenarios } from "./patterns.ts";
import { publishScenarios } from "./publish.ts";

/** Compares core-bus with the emitters that people use. */
export const busSuite: Suite = {
  name: "bus",
  scenarios: [...publishScenarios, ...patternScenarios, ...awaitedScenarios, memoryScenario],
};
