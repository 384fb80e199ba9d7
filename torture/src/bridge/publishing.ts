import type { EventCoordinator } from "@ringrift/coordinator";
import type { Journal } from "../journal.ts";
import {
  type Call,
  type catalogueOf,
  EMITTERS,
  type Named,
  QUEUE_TYPES,
  STAGES,
  type Task,
  type Topic,
} from "./catalogue.ts";
import type { Life, Said } from "./said.ts";

export type Coordinator = EventCoordinator<ReturnType<typeof catalogueOf>>;

/** What is published, and in whose handling. */
export interface Publication {
  readonly how: Call;
  readonly topic: Topic;
  readonly payload: Named;
  readonly within?: "bus" | "work";
  readonly parent?: { readonly id: string; readonly correlationId: string };
}

/** Says of every publish that it is made, and what came of it. */
export class Publishing {
  readonly #journal: Journal<Said>;
  #n = 0;

  constructor(journal: Journal<Said>) {
    this.#journal = journal;
  }

  /** Never rejects: what was refused is in the journal. */
  async publish(events: Coordinator, life: Life, publication: Publication): Promise<void> {
    const { how, topic, payload, within, parent } = publication;
    const { name, key } = payload;
    this.#n += 1;
    const n = this.#n;
    this.#journal.write({
      kind: "attempt",
      life,
      n,
      name,
      topic,
      how,
      ...(key !== undefined && { key }),
      ...(parent && { parent: { id: parent.id, correlationId: parent.correlationId } }),
      ...(within && { within }),
    });
    try {
      const id = await call(events, publication);
      this.#journal.write({ kind: "done", n, name, ...(id !== undefined && { id }) });
    } catch (error) {
      const { code = "NO_CODE" } = error as { code?: string };
      this.#journal.write({ kind: "failed", n, name, code });
    }
  }
}

/** Resolves to the id, as far as the call gives one. */
async function call(
  events: Coordinator,
  { how, topic, payload }: Publication,
): Promise<string | undefined> {
  // The payload fits to the topic, whichever it is; what the calls have in common is written once.
  const full = payload as Task;
  const { key } = payload;
  switch (how) {
    case "events.publish": {
      const { id } = await events.publish(topic, full, { key });
      return id;
    }
    case "emitters": {
      const { id } = await events.emitters[EMITTERS[topic]](full, { key });
      return id;
    }
    case "queue.send": {
      const { id } = await events.queue.send(QUEUE_TYPES[topic], full, { key });
      return id;
    }
    case "bus.publish":
      return idUnlessRefused(await events.bus.publish(topic, full));
    case "stages.emit":
      return idUnlessRefused(
        await events.stages.emit({ stage: STAGES[topic], success: true, ...full }),
      );
    case "bus.publishSync":
      break;
  }
  events.bus.publishSync(topic, full);
  return undefined;
}

interface Delivered {
  readonly event: { readonly id: string };
  readonly errors: readonly Error[];
}

/** A subscriber that fails, as was planned, is no refusal. */
function idUnlessRefused({ event, errors }: Delivered): string {
  for (const { cause } of errors) {
    if (cause instanceof Error && "code" in cause && cause.code !== "PLANNED") throw cause;
  }
  return event.id;
}
