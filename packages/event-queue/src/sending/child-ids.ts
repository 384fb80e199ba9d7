import { createHash, createHmac } from "node:crypto";
import { type ChildContent, derivedEventId, type EventLineage } from "@ringrift/envelope";
import { canonicalJson } from "./canonical-json.ts";
import { QueueError } from "../failures/errors.ts";
import { encodePayload, MAX_PAYLOAD_BYTES } from "./payload.ts";

/** What tells a child from all others. */
export interface ChildIdentity {
  /** Name of the group, or of the node, whose handler publishes it. */
  readonly scope: string;
  readonly parent: Pick<EventLineage, "id" | "time">;
  readonly type: string;
  /** Of {@link digestOf}. */
  readonly digest: string;
  /** Among the equal ones of one handler, from 1. */
  readonly ordinal: number;
}

/**
 * Derives the ids of what handlers publish, with the secret of their queue: the same in all its processes, and computed
 * by nobody who doesn't know it. An id that could be computed could be taken in advance.
 */
export class ChildIds {
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  derive({ scope, parent, type, digest, ordinal }: ChildIdentity): string {
    const text = JSON.stringify([scope, parent.id, type, digest, ordinal]);
    return derivedEventId(parent, createHmac("sha256", this.#secret).update(text).digest());
  }
}

/** A digest of what a publisher gave; `undefined` when it isn't JSON: then nobody can say whether it is the same. */
export function digestOf(content: ChildContent): string | undefined {
  const { payload, metadata = {}, key, headers = {}, source = "", correlationId } = content;
  const hash = createHash("sha256");
  try {
    for (const part of [payload, metadata, key, headers, source, correlationId]) {
      // Each part on a line of its own: none can be mistaken for two.
      hash.update(canonicalJson(encodePayload(part, { maxBytes: MAX_PAYLOAD_BYTES }))).update("\n");
    }
  } catch (error) {
    if (error instanceof QueueError) return undefined;
    throw error;
  }
  return hash.digest("base64");
}
