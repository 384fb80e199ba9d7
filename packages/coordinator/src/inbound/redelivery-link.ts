import { linkToQueue } from "@ringrift/core-bus";
import { childIdsOf, EventHandling } from "@ringrift/event-queue/backend";
import type { HealthProblem } from "@ringrift/event-queue";
import type { Parts } from "../options/endpoints.ts";
import { takesChild } from "../carrying/recent-ids.ts";
import { Trails } from "../host/trails.ts";

/**
 * Tells the buses which of their events the queue may deliver again: what handlers of those publish has the same id at
 * each attempt, also when the first one was the local dispatch of an event of this node. Sees all of their events, and
 * so notices trails without an end.
 */
export class RedeliveryLink {
  readonly #parts: Parts;
  readonly #node: string | undefined;
  readonly #trails = new Trails();
  #ends: readonly (() => void)[] = [];

  constructor(parts: Parts, node: string | undefined) {
    this.#parts = parts;
    this.#node = node;
  }

  /**
   * From the first start on, since handlers may be running after a stop. `readsBack`: whether the queue's events come to the
   * bus. Then it is opened here.
   */
  async attach(readsBack: boolean): Promise<void> {
    if (this.#ends.length > 0) return;
    const { bus, stages, catalogue, queue } = this.#parts;
    const childIds = readsBack ? await childIdsOf(queue) : undefined;
    // An unnamed node never gets an event again after its end, so that the bus's own id will do.
    const scope = this.#node ?? bus.id;
    const queueTypeOf = (topic: string): string | undefined =>
      catalogue.entries.get(topic)?.crossProcess;
    this.#ends = [
      linkToQueue(bus, {
        // The queue's name is the one that every call comes to, `queue.send` included.
        typeOf: (topic) => queueTypeOf(topic) ?? topic,
        takes: (id) => takesChild(bus, id),
        handlingOf: (event) =>
          childIds === undefined || queueTypeOf(event.topic) === undefined
            ? undefined
            : new EventHandling({ scope, parent: event, childIds }),
        sees: (event) => this.#trails.watch.see(event),
      }),
      linkToQueue(stages.bus, {
        // A stage's result isn't the event of a topic, though it goes on as one, under its id.
        typeOf: (stage) => `stage:${stage}`,
        takes: (id) => takesChild(stages.bus, id),
        // A queue delivers topics, not stages: what a stage's handlers publish belongs to whoever emitted it.
        handlingOf: () => undefined,
        sees: () => {},
      }),
    ];
  }

  detach(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
  }

  /** What is wrong with the trails of its events. */
  problems(): HealthProblem[] {
    return this.#trails.problems();
  }
}
