import { AckRound } from "./ack-round.ts";
import { ClaimPace } from "./claim-pace.ts";
import { EventLoopTurn } from "./event-loop-turn.ts";
import { LeaseAhead } from "./lease-ahead.ts";

export interface PacingOptions {
  /** How many handlers run at once. */
  readonly concurrency: number;
  /** Whether claims cost so much, and nobody has said how many to make at once, that more is leased than can be begun. */
  readonly mayLeaseAhead: boolean;
  /** Gives back what is leased ahead and not begun; returns whether there was any. */
  readonly giveBack: () => boolean;
}

/**
 * How fast a consumer goes on: how much it leases ahead of its handlers, how soon it claims again, which acks wait for one
 * another, and when it lets the event loop turn.
 */
export class Pacing {
  readonly #mayLeaseAhead: boolean;
  readonly #giveBack: () => boolean;
  readonly #ahead: LeaseAhead;
  readonly #claims = new ClaimPace();
  readonly #turn = new EventLoopTurn();
  readonly #round = new AckRound(() => this.#giveUp());
  #askedAt = 0;
  #asked = 0;

  constructor({ concurrency, mayLeaseAhead, giveBack }: PacingOptions) {
    this.#mayLeaseAhead = mayLeaseAhead;
    this.#giveBack = giveBack;
    this.#ahead = new LeaseAhead(concurrency);
  }

  /** Resolves when the acks that share a commit may be made; `undefined` when they may be made now. */
  get round(): Promise<void> | undefined {
    return this.#round.over;
  }

  /** Whether others should have the event loop before anything else is begun. */
  get isTurnOver(): boolean {
    return this.#turn.isOver;
  }

  /** Lets the event loop turn. */
  turn(): Promise<void> {
    return this.#turn.next();
  }

  /** A claim is made now, and its transaction settles the round before. Returns how many to lease beyond those that can be begun. */
  claim(): number {
    this.#round.end();
    this.#askedAt = performance.now();
    this.#asked = this.#mayLeaseAhead ? this.#ahead.next() : 0;
    return this.#asked;
  }

  /** The claim has been answered, whether it gave anything or not. */
  answered(): void {
    this.#turn.waitedSince(this.#askedAt);
  }

  /** What was claimed is about to be begun. */
  begin(): void {
    if (this.#asked > 0) this.#round.begin();
  }

  /** In how many ms to claim again; `isFull` when the last claim gave all that was asked for. */
  pauseMs(isFull: boolean): number {
    return this.#asked > 0 && !isFull ? this.#claims.claimed() : 0;
  }

  /** A handler has ended, after so many ms. */
  done(isHandled: boolean, ms: number): void {
    if (this.#round.isLate) this.#giveUp();
    if (isHandled) this.#ahead.handled(ms);
    else this.#ahead.reset();
  }

  /** No ack waits for others any more. */
  endRound(): void {
    this.#round.end();
  }

  /** The round takes too long: another member may have time for what was leased ahead. */
  #giveUp(): void {
    this.#round.end();
    if (this.#giveBack()) this.#ahead.reset();
  }
}
