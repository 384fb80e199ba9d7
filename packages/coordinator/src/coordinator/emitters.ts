import type { Contracts } from "@ringrift/envelope";
import { type AnyCatalogue, emitterName } from "@ringrift/mappings";
import type { DurablePublishOptions, Emitters, PublishReceipt } from "../options/options.ts";

/** Makes one function a topic that publishes durably; for a local topic it rejects with `LOCAL_TOPIC`. */
export function createEmitters<T extends Contracts>(
  catalogue: AnyCatalogue,
  publish: (
    topic: string,
    payload: unknown,
    options?: DurablePublishOptions,
  ) => Promise<PublishReceipt>,
): Emitters<T> {
  const emitters = new Map<string, unknown>();
  for (const topic of catalogue.entries.keys()) {
    emitters.set(emitterName(topic), (payload: unknown, options?: DurablePublishOptions) =>
      publish(topic, payload, options),
    );
  }
  // The cast is safe: the names follow from the same topics.
  return Object.freeze(Object.fromEntries(emitters)) as Emitters<T>;
}
