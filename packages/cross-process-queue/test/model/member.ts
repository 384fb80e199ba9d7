import type { Deed } from "./steps.ts";

/** Somebody who works on a queue file, and whom a script ends. */
export interface Member {
  /** Whether it is a process: then all others know at once when it has ended. */
  readonly isProcess: boolean;
  take(deed: Deed): Promise<unknown>;
  state(): Promise<unknown>;
  /** Closes the queue and opens it again. */
  reopen(): Promise<void>;
  /** Sets its clock; ms since the epoch. */
  setClock(now: number): Promise<void>;
  /** Ends it without a word to the queue, and with everything it has leased. */
  crash(): Promise<void>;
}

/** How a kind of member begins: on which file, and at what time. */
export type Recruit = (path: string, now: number) => Promise<Member>;
