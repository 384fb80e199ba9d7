import { setTimeout as sleep } from "node:timers/promises";
import { isHandling } from "./delivery-scope.ts";
import { QueueError } from "../failures/errors.ts";
import { checkMs, checkNumber, invalidOption } from "../checking/check-options.ts";

/** Options that bound what sends may pile up. */
export interface BacklogOptions {
  /**
   * Sends wait, and then refuse, while a group has so many events or more still to settle; reading groups of nodes that
   * aren't there hold nobody back. `health()` says which group does. Handlers of queued
   * events are exempt: a group that waited for itself would wait for ever. Looked at about ten times a second, so
   * senders may go beyond it by what they send in between; a `sendMany` goes in whole. @default no limit
   */
  readonly maxBacklog?: number | undefined;
  /** How long a send waits for that before it rejects with `BACKLOG_FULL`; 0 to refuse at once. @default 10_000 */
  readonly backlogWaitMs?: number | undefined;
}

/** Checked: what a {@link BacklogGate} needs; `undefined` without a bound. */
export interface BacklogLimit {
  readonly max: number;
  readonly waitMs: number;
}

/** The group that is furthest behind. */
export interface Backlog {
  readonly group: string;
  /** What it has still to settle; beyond the bound it needn't be exact. */
  readonly pending: number;
}

const DEFAULT_WAIT_MS = 10_000;
/** A measurement counts for so long, and the next one is begun so much after one that took long. */
const FRESH_MS = 100;
const SHARE_OF_MEASURING = 20;
const LOOK_EVERY_MS = 25;

/**
 * For backends: checks {@link BacklogOptions}.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkBacklog({
  maxBacklog,
  backlogWaitMs,
}: BacklogOptions): BacklogLimit | undefined {
  const waitMs =
    backlogWaitMs === undefined ? DEFAULT_WAIT_MS : checkMs("backlogWaitMs", backlogWaitMs);
  if (maxBacklog !== undefined) {
    const max = checkNumber("maxBacklog", maxBacklog, { min: 1, max: Number.MAX_SAFE_INTEGER });
    return { max, waitMs };
  }
  if (backlogWaitMs === undefined) return undefined;
  throw invalidOption('Option "backlogWaitMs" is given without "maxBacklog". Give both.');
}

/** For backends: what the sends of one instance pass, in their order. */
export class BacklogGate {
  readonly #limit: BacklogLimit | undefined;
  readonly #measure: (enough: number) => Promise<Backlog | undefined>;
  /** As it was measured, and what was let through since. */
  #pending = 0;
  #freshUntil = 0;
  #turn: Promise<void> | undefined;

  /** `measure` gives the group that is furthest behind; it may stop counting at `enough`. */
  constructor(
    limit: BacklogLimit | undefined,
    measure: (enough: number) => Promise<Backlog | undefined>,
  ) {
    this.#limit = limit;
    this.#measure = measure;
  }

  /**
   * Lets so many events through: at once (`undefined`), or later.
   *
   * @throws QueueError (rejects) `BACKLOG_FULL`, and what measuring throws
   */
  pass(count: number): Promise<void> | undefined {
    const limit = this.#limit;
    if (limit === undefined || isHandling()) return undefined;
    const isFresh = performance.now() < this.#freshUntil;
    if (this.#turn === undefined && isFresh && this.#pending < limit.max) {
      this.#pending += count;
      return undefined;
    }
    const mine = (this.#turn ?? Promise.resolve()).then(() => this.#wait(limit, count));
    const settled = mine.then(
      () => {},
      () => {},
    );
    this.#turn = settled;
    void settled.then(() => {
      if (this.#turn === settled) this.#turn = undefined;
    });
    return mine;
  }

  async #wait({ max, waitMs }: BacklogLimit, count: number): Promise<void> {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const furthest = await this.#look(max);
      if (this.#pending < max) break;
      if (performance.now() >= deadline) throw backlogFull(furthest, max);
      await sleep(LOOK_EVERY_MS);
    }
    this.#pending += count;
  }

  async #look(max: number): Promise<Backlog | undefined> {
    const began = performance.now();
    if (began < this.#freshUntil && this.#pending < max) return undefined;
    const furthest = await this.#measure(max);
    const now = performance.now();
    this.#pending = furthest?.pending ?? 0;
    this.#freshUntil = now + Math.max(FRESH_MS, SHARE_OF_MEASURING * (now - began));
    return furthest;
  }
}

function backlogFull(furthest: Backlog | undefined, max: number): QueueError {
  const { group, pending } = furthest ?? { group: "", pending: max };
  return new QueueError(
    "BACKLOG_FULL",
    `Nothing was stored: group "${group}" has ${pending} events or more still to settle, and maxBacklog is ${max}. Send more slowly, add consumers, or raise it; a group that nobody needs any more can be removed (groups.remove), with all it has pending.`,
  );
}
