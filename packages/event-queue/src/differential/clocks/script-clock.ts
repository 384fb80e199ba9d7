/** The clock that a script is played by. It stands still while something is asked of the two queues. */
export interface ScriptClock {
  /** Time passes by itself, for the queue goes by a clock that a test can't set. */
  readonly isReal: boolean;
  /** It was set back. */
  readonly wasSetBack: boolean;
  /** By how much the moments of the two queues may differ by now. */
  readonly slackMs: number;
  /** What happened on one side may have been too late for it, and not on the other one: a difference proves nothing. */
  readonly isUnsure: boolean;
  readonly now: () => number;
  /** A moment as answers show it; where time passes by itself it may differ by `moreMs` more. */
  readonly since: (time: number, moreMs?: number) => number | string;
  /** One of the times that it has shown: scripts choose their moments among these. */
  momentOf(nth: number): number;
  momentOf(nth: number | undefined): number | undefined;
  /** The time that it has shown so many readings ago. */
  momentBefore(back: number): number;
  /** The time that it showed when something happened that has this time. */
  readingAt(time: number): number;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** Called before something is asked; `true` when time has passed in which something ended. */
  settle(): Promise<boolean>;
  /** Something ends at this time: a lease, a pause, a claim. */
  expect(end: number): void;
  install(): void;
  restore(): void;
}
