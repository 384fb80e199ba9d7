import type { BusEvent, PublishedEvent } from "./event.ts";
import type { Handling } from "./handling.ts";

/**
 * What a bus asks its coordinator about events that a queue delivers, and may deliver again. A bus by itself knows
 * nothing of queues, and pays nothing for this.
 */
export interface QueueLink {
  /** The type of a topic's children: one and the same, whichever call of whichever bus or queue publishes them. */
  typeOf(topic: string): string;
  /** Notes a child that is published here; `false` when the bus has had it. */
  takes(id: string): boolean;
  /** The handling of an event that a queue may deliver again; `undefined` for any other event. */
  handlingOf(event: BusEvent): Handling | undefined;
  /** Sees each event that is taken in. */
  sees(event: BusEvent): void;
}

/** The links of a bus: that of the first coordinator holds, also where there are several. */
export class QueueLinks {
  readonly #links: QueueLink[] = [];
  link: QueueLink | undefined;
  /** Called when `link` may be another one. */
  onChange: () => void = () => {};

  /** Returns what removes it. */
  add(link: QueueLink): () => void {
    this.#links.push(link);
    this.#look();
    return () => {
      const index = this.#links.indexOf(link);
      if (index !== -1) this.#links.splice(index, 1);
      this.#look();
    };
  }

  #look(): void {
    this.link = this.#links[0];
    this.onChange();
  }

  /** Has the handlers of an event run as a part of its handling, where there is one. */
  begin(event: PublishedEvent): void {
    const handling = this.link?.handlingOf(event);
    if (handling !== undefined) event.handling = handling;
  }
}
