import type { Suite } from "./runner/scenario.ts";

/** The suites by name. Loaded on demand: one needs none of the others' peers. */
export const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  queue: async () => (await import("./queue/suite.ts")).queueSuite,
  nats: async () => (await import("./nats/suite.ts")).natsSuite,
  bus: async () => (await import("./bus/suite.ts")).busSuite,
};
