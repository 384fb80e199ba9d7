import type { QueueError } from "@ringrift/event-queue";
import { groupSkipped } from "@ringrift/event-queue/backend";
import type { Group } from "./group.ts";
import type { Names } from "../server/names.ts";
import type { StateStore } from "../messages/state-store.ts";

/** How many events each group has skipped, for all instances. */
export class SkipCount {
  readonly #state: StateStore;
  readonly #names: Names;
  readonly #onSkipped: (count: number, report: QueueError) => void;

  constructor(
    state: StateStore,
    names: Names,
    onSkipped: (count: number, report: QueueError) => void,
  ) {
    this.#state = state;
    this.#names = names;
    this.#onSkipped = onSkipped;
  }

  async of(group: Group): Promise<number> {
    if (group.policy.skipAfterMs === null) return 0;
    const entry = await this.#state.get(this.#names.skipped(group.name));
    return Number(entry?.text ?? 0);
  }

  /** Counts events that were skipped just now, and tells of them. */
  async add(group: Group, count: number): Promise<void> {
    if (count === 0) return;
    this.#onSkipped(count, groupSkipped(group, count));
    const subject = this.#names.skipped(group.name);
    for (;;) {
      const entry = await this.#state.get(subject);
      const sum = Number(entry?.text ?? 0) + count;
      const revision = await this.#state.swap(subject, String(sum), entry?.revision ?? 0);
      if (revision !== undefined) return;
    }
  }
}
