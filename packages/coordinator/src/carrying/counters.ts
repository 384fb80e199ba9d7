/**
 * Why an event did not go on: `echo`, the bus that it came to had it already; `hop-limit`, it has passed too many
 * buses; `duplicate`, this bus has had it; `unmapped`, the catalogue doesn't know its name; `vetoed`, middleware of the
 * topic bus kept it back; `not-running`, it was published after `stop()`; `invalid`, it could not be stored or read as an
 * event; `error`, it was given up after trying, or there was no room for it.
 */
export type DropReason =
  | "echo"
  | "hop-limit"
  | "duplicate"
  | "unmapped"
  | "vetoed"
  | "not-running"
  | "invalid"
  | "error";

/** The three ways an event can go from one bus to the next. */
export type Direction = "stageToTopic" | "topicToQueue" | "queueToTopic";

/** What a coordinator counts, since it was made. */
export interface CoordinatorStats {
  /** Events passed on, by direction. */
  readonly forwarded: Readonly<Record<Direction, number>>;
  /** Events not passed on, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Events of this bus, or of the node's earlier ones, that came back from the queue and were passed by. */
  readonly own: number;
  /** Events that work handlers of this coordinator gave up on. */
  readonly deadLetters: number;
  /** Events whose work handlers of this coordinator succeeded. */
  readonly handled: number;
  /** Events waiting to be stored because the queue refused them for now. */
  readonly spooled: number;
  readonly running: boolean;
  /** When it was last started, in ms since the epoch; `undefined` before the first start. */
  readonly since: number | undefined;
}

/** The mutable side of {@link CoordinatorStats}. */
export class Counters {
  readonly forwarded: Record<Direction, number> = {
    stageToTopic: 0,
    topicToQueue: 0,
    queueToTopic: 0,
  };
  readonly dropped: Record<DropReason, number> = {
    echo: 0,
    "hop-limit": 0,
    duplicate: 0,
    unmapped: 0,
    vetoed: 0,
    "not-running": 0,
    invalid: 0,
    error: 0,
  };

  own = 0;

  countOwn(): void {
    this.own += 1;
  }

  forward(direction: Direction): void {
    this.forwarded[direction] += 1;
  }

  drop(reason: DropReason): void {
    this.dropped[reason] += 1;
  }
}
