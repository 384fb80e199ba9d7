import { quoted } from "../host/quoted.ts";
import type { Contracts, EventView } from "./contracts.ts";

/**
 * What is wrong with an event that says `success: false` under the name of a success: whoever acts on that name would
 * take it for one. `undefined` where nothing is.
 */
export function outcomeProblem(
  events: EventView<Contracts> | undefined,
  name: string,
  payload: unknown,
): string | undefined {
  const failure = events?.failureOf?.(name);
  if (failure === undefined || !isUnsuccessful(payload)) return undefined;
  return `${quoted(name)} means success, and its payload says "success: false". Publish it as ${quoted(failure)}, or emit its stage, which chooses the name by itself.`;
}

function isUnsuccessful(payload: unknown): boolean {
  if (typeof payload !== "object" || payload === null) return false;
  return "success" in payload && payload.success === false;
}
