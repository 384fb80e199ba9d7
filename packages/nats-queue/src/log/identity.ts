import { randomBytes } from "node:crypto";
import { newQueueId } from "@ringrift/event-queue/backend";
import type { Names } from "../server/names.ts";
import type { StateStore } from "../messages/state-store.ts";

/** What a queue is, in one document of its state: for all instances, and for as long as the queue is there. */
export interface Identity {
  /** What it is known by to others. */
  readonly id: string;
  /** With what the ids of handlers' children are made. */
  readonly secret: Uint8Array;
}

/** Gives the queue's identity: whoever comes first makes it. */
export async function identityOf(state: StateStore, names: Names): Promise<Identity> {
  for (;;) {
    const entry = await state.get(names.identity);
    if (entry !== undefined) return decode(entry.text);
    const made = { id: newQueueId(), secret: randomBytes(32).toString("base64") };
    await state.swap(names.identity, JSON.stringify(made), 0);
  }
}

function decode(text: string): Identity {
  // The cast is safe: written above, and nobody changes it.
  const { id, secret } = JSON.parse(text) as { id: string; secret: string };
  return { id, secret: Buffer.from(secret, "base64") };
}
