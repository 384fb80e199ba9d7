import { setTimeout as sleep } from "node:timers/promises";
import { QueueError } from "@ringrift/event-queue";
import type { HealthProblem } from "@ringrift/event-queue";
import type { Connection } from "../connection/connection.ts";
import type { GroupStore } from "../groups/group-store.ts";
import type { Names } from "../server/names.ts";
import { isAccessDenied } from "../server/nats-errors.ts";
import type { ServerClock } from "../connection/server-clock.ts";
import type { StateStore } from "../messages/state-store.ts";

/** How far the log was: which stream it is, and the newest position. */
interface Extent {
  readonly created: string;
  readonly newest: number;
}

/** What the server has lost. */
interface Loss {
  readonly at: number;
  /** Newest position that was known before. */
  readonly before: number;
  /** Newest position that was left; 0 where the stream is another one. */
  readonly after: number;
}

/** For so long `health()` tells of a loss. */
const TOLD_MS = 86_400_000;
/** For so long a new leader is given to get to the end of its copy. */
const MOST_LOOKS = 15;
const BETWEEN_LOOKS_MS = 200;
/** How far the clocks of a cluster's servers may be apart. */
const SLACK_MS = 2_000;

/** The parts of an engine that a watch works with. */
export interface LogWatchParts {
  readonly connection: Connection;
  readonly names: Names;
  readonly state: StateStore;
  readonly groups: GroupStore;
  readonly clock: ServerClock;
  readonly positionBefore: (time: number) => Promise<number>;
  readonly report: (error: unknown) => void;
}

/**
 * Sees whether the server has lost events that it had acknowledged: in a power cut, by a store that was put back, by a stream
 * that was deleted. Then positions are given anew, and groups whose cursor lies beyond what is left would wait until the log
 * has grown so far again: they go back.
 */
export class LogWatch {
  readonly #parts: LogWatchParts;
  /** The newest position that this process knows of. */
  #newest = 0;
  /** Since the connection was made, groups haven't been looked at. */
  #isNew = true;
  #checking: Promise<void> | undefined;

  constructor(parts: LogWatchParts) {
    this.#parts = parts;
  }

  /** An event is stored there. */
  saw(position: number): void {
    if (position > this.#newest) this.#newest = position;
  }

  /** Looks now, mends what can be mended, and reports what is lost. Calls at once are one. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  /** The same after a break of the connection: more may have been stored by now than was lost, so groups are looked at too. */
  async renew(): Promise<void> {
    await this.#checking?.catch(() => {});
    this.#isNew = true;
    await this.check();
  }

  /** Notes how far the log was, for whoever opens the queue next. */
  async note(): Promise<void> {
    const { state, names } = this.#parts;
    const entry = await state.get(names.extent);
    // The cast is safe: written below.
    const known = entry && (JSON.parse(entry.text) as Extent);
    if (known === undefined || known.newest >= this.#newest) return;
    await this.#write({ ...known, newest: this.#newest }, entry?.revision ?? 0);
  }

  async problems(): Promise<HealthProblem[]> {
    const { state, names, clock } = this.#parts;
    const entry = await state.get(names.loss);
    if (entry === undefined) return [];
    // The cast is safe: written below.
    const loss = JSON.parse(entry.text) as Loss;
    if (loss.at < clock.now() - TOLD_MS) return [];
    return [
      {
        code: "EVENTS_LOST",
        severity: "error",
        since: loss.at,
        subject: names.stream,
        message: describe(names.stream, loss),
        action: ACTION,
      },
    ];
  }

  async #check(): Promise<void> {
    const { connection, names, state } = this.#parts;
    const [info, entry] = await Promise.all([
      connection.persist("opening its streams", () => connection.jsm.streams.info(names.stream)),
      state.get(names.extent),
    ]);
    // The cast is safe: written below.
    const known = entry && (JSON.parse(entry.text) as Extent);
    const now: Extent = { created: info.created, newest: info.state.last_seq };
    const isAnother = known !== undefined && known.created !== now.created;
    const before = Math.max(known?.newest ?? 0, isAnother ? 0 : this.#newest);
    const isBehind = now.newest < before;
    // A copy that has just become the leader may not have got to its end yet.
    if (isBehind && !isAnother && info.config.num_replicas > 1) {
      if (await this.#catchesUp(now.newest + 1)) return;
    }
    const isLost = isAnother || isBehind;
    // At once: what is stored while the rest of this goes on counts from here.
    this.#newest = isLost ? now.newest : Math.max(this.#newest, now.newest);
    if (isLost) await this.#lost(before, isAnother ? 0 : now.newest);
    if (isLost || this.#isNew) await this.#moveBack(isAnother, now.newest);
    this.#isNew = false;
    if (known?.created === now.created && known.newest === now.newest) return;
    await this.#write(now, entry?.revision ?? 0);
  }

  /** Whether the event at a position, which was acknowledged, is there after all: it is older than this question. */
  async #catchesUp(position: number): Promise<boolean> {
    const { connection, names, clock } = this.#parts;
    const asked = clock.now();
    for (let look = 0; look < MOST_LOOKS; look += 1) {
      await sleep(BETWEEN_LOOKS_MS, undefined, { ref: false });
      const message = await connection.persist("reading an event", () =>
        connection.jsm.streams.getMessage(names.stream, { seq: position }),
      );
      if (message !== null) return Date.parse(message.timestamp) < asked;
    }
    return false;
  }

  /** Whoever may only send leaves it to others: what it could write there would make them believe in a loss. */
  async #write(extent: Extent, revision: number): Promise<void> {
    const { state, names } = this.#parts;
    await unlessDenied(state.swap(names.extent, JSON.stringify(extent), revision));
  }

  async #lost(before: number, after: number): Promise<void> {
    if (before <= after) return;
    const { names, state, clock, report } = this.#parts;
    const loss: Loss = { at: clock.now(), before, after };
    await unlessDenied(state.put(names.loss, JSON.stringify(loss)));
    report(new QueueError("EVENTS_LOST", `${describe(names.stream, loss)} ${ACTION}`));
  }

  /** Groups begin anew where what they counted from is gone. */
  async #moveBack(isAnother: boolean, newest: number): Promise<void> {
    const { groups } = this.#parts;
    for (const group of await groups.all()) {
      if (isAnother) await groups.restart(group, 0);
      else if (group.start > 0 && (await this.#isGivenAnew(group, newest))) {
        await groups.restart(group, await this.#parts.positionBefore(group.startedAt));
      }
    }
  }

  /** Whether what is at the position behind which a group begins was stored after the group was made. */
  async #isGivenAnew(
    { start, startedAt }: { readonly start: number; readonly startedAt: number },
    newest: number,
  ): Promise<boolean> {
    if (start > newest) return true;
    const { connection, names } = this.#parts;
    const message = await connection.persist("reading an event", () =>
      connection.jsm.streams.getMessage(names.stream, { seq: start }),
    );
    return message !== null && Date.parse(message.timestamp) > startedAt + SLACK_MS;
  }
}

async function unlessDenied(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
  }
}

const ACTION =
  "Send them again if you can. It doesn't happen with \"sync_interval: always\" in the server's jetstream block, or with replicas: 3 unless most servers lose power at once.";

function describe(stream: string, { before, after }: Loss): string {
  return after === 0
    ? `The stream "${stream}" is another one than before: up to ${before} events that were acknowledged are gone.`
    : `The NATS server has lost the end of its log: the events at ${after + 1} to ${before} of "${stream}" were acknowledged and are gone.`;
}
