import { EventBusError } from "@ringrift/core-bus";
import { StageEventsError } from "../src/index.ts";

/** A successful result that many tests emit. */
export const done = { stage: "training_complete", success: true } as const;

/** A gate that handlers wait at. */
export function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, opened: promise };
}

/** The code with which something is refused, `none` when it isn't. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof StageEventsError || error instanceof EventBusError) return error.code;
    throw error;
  }
  return "none";
}
