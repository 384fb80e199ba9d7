import type { Rule } from "../contract/checked.ts";

/** How the handlers of one publish follow each other. */
export type DeliveryOrder = "serial" | "parallel";

export const anOrder: Rule = [
  (value) => value === "serial" || value === "parallel",
  '"serial" or "parallel"',
];
