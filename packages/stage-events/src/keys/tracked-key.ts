import type { BusEvent } from "@ringrift/core-bus";
import type { Kept } from "./key-table.ts";
import type { MachineState } from "../machine/machine.ts";
import type { TrackedState } from "../machine/pipeline-tracker.ts";
import type { Witness } from "./seen-events.ts";

/** What has been heard of a key, by the events' own time. */
export interface Heard extends Witness {
  /** The newest event. */
  until: number;
  /** The newest event that did not come from the history. */
  liveUntil: number;
}

/** One key: where it stands, what has been heard of it, and its timer. */
export class TrackedKey implements Kept {
  state: MachineState;
  isOverdue = false;
  timer: (() => void) | undefined;
  readonly heard: Heard = { until: -Infinity, liveUntil: -Infinity, forgottenUntil: -Infinity };

  constructor(state: MachineState) {
    this.state = state;
  }

  get isDone(): boolean {
    return this.state.run === "done";
  }

  /** Whether an event is older than one that was taken, although it doesn't come in its turn. */
  isStale({ time, redelivered }: BusEvent, replayed: boolean): boolean {
    // The history itself is in the order of the log, whatever the clocks of its writers say.
    if (replayed) return time < this.heard.liveUntil;
    return redelivered === true && time < this.heard.until;
  }

  hear({ time }: BusEvent, replayed: boolean): void {
    this.heard.until = Math.max(this.heard.until, time);
    if (!replayed) this.heard.liveUntil = Math.max(this.heard.liveUntil, time);
  }

  stopTimer(): void {
    this.timer?.();
    this.timer = undefined;
  }

  shown(): TrackedState {
    const { stage, iteration, since, durations, failure } = this.state;
    const { isOverdue: stalled, isDone: done } = this;
    return { stage, iteration, since, durations, stalled, failure, done };
  }
}
