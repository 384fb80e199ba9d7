import type { RawMessage } from "../messages/raw-message.ts";

/** The server is asked so often at most whether anybody else holds events of the group. */
const ASK_AGAIN_MS = 100;

/** What the server says of a group's consumer. */
export interface ConsumerState {
  readonly delivered: { readonly consumer_seq: number };
  readonly num_ack_pending: number;
}

/**
 * Tells whether this member is the only one that holds events of its group, without asking for each of them. The server
 * numbers what a consumer delivers, whoever gets it: a member that has had every number since everything unacknowledged was
 * its own knows of every event that isn't settled.
 */
export class DeliveryRun {
  /** Grows when somebody else was given something: what was known before may be old. */
  number: number = 1;
  isAlone: boolean = false;
  #next = 0;
  #askedAt = Number.NEGATIVE_INFINITY;

  /** Notes what was delivered just now. */
  received(messages: readonly RawMessage[]): void {
    const sequences = messages.map(({ sequence }) => sequence).toSorted((a, b) => a - b);
    for (const sequence of sequences) {
      if (sequence !== this.#next) this.end();
      this.#next = sequence + 1;
    }
  }

  /** Something was lost on the way, or somebody else may have got it. */
  end(): void {
    this.isAlone = false;
    this.number += 1;
  }

  /**
   * Looks whether everything unacknowledged is this member's, unless that was asked a moment ago.
   *
   * @param held - how many it has
   */
  async look(ask: () => Promise<ConsumerState | undefined>, held: () => number): Promise<void> {
    const now = performance.now();
    if (this.isAlone || now - this.#askedAt < ASK_AGAIN_MS) return;
    this.#askedAt = now;
    const { number } = this;
    const state = await ask();
    if (state === undefined || number !== this.number) return;
    this.isAlone =
      state.delivered.consumer_seq === this.#next - 1 && state.num_ack_pending === held();
  }
}
