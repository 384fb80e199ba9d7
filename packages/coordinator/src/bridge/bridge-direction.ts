import { runDetached, type StartFrom } from "@ringrift/envelope";
import {
  type Consumer,
  QueueError,
  type StopResult,
  type StoredEvent,
} from "@ringrift/event-queue";
import { EventSender, GivenBack, isPermanent } from "@ringrift/event-queue/backend";
import { type BridgeEnds, type BridgeSkip, carriedEvent, isInternalType } from "./bridge-event.ts";
import type { BridgeProblem } from "./bridge-problem.ts";
import { CoordinatorError } from "../errors.ts";
import type { AnyQueue } from "../carrying/wire.ts";

/** Counters of one direction, in this process since the bridge was made. */
export interface BridgeDirectionStats {
  /** The bridge's group on the queue that is read: what it has still to carry, and its dead letters, are there. */
  readonly group: string;
  /** Events that this process added to the other queue. */
  readonly forwarded: number;
  /** Events that the other queue had already. */
  readonly duplicates: number;
  /** Events that weren't to be carried: they have been in the other queue, or belong to their own. */
  readonly skipped: Readonly<Record<BridgeSkip, number>>;
  /** Events that the other queue refuses for what they are. */
  readonly deadLetters: number;
  /** Events under way now. */
  readonly inFlight: number;
}

/** What outlives a stop and a start. */
export interface DirectionCounts {
  forwarded: number;
  duplicates: number;
  readonly skipped: Record<BridgeSkip, number>;
  deadLetters: number;
}

/** One direction of a bridge. */
export interface BridgeDirectionOptions {
  readonly source: AnyQueue;
  readonly target: AnyQueue;
  readonly ends: BridgeEnds;
  /** The bridge's name. */
  readonly name: string;
  readonly types: readonly string[] | undefined;
  readonly startFrom: StartFrom;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly expireAfterMs: number;
  readonly counts: DirectionCounts;
  readonly onError: (error: unknown) => void;
  /** Of how many dead letters it is told. */
  readonly mostTold: number;
  /** Called when it has ended though nobody stopped it. */
  readonly onEnded: () => void;
}

/** As many as there may be: that a process was killed while it carried an event says nothing about the event. */
const MOST_ATTEMPTS = 1_000_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** Carries the events of one queue to another one, from its start to its stop: a consumer of a group of its own. */
export class BridgeDirection {
  readonly group: string;
  readonly #options: BridgeDirectionOptions;
  readonly #sender: EventSender;
  #consumer: Consumer | undefined;
  /** How often in a row the target took nothing, since when, and why. */
  #blocked: { readonly since: number; readonly error: unknown; times: number } | undefined;
  #resuming: NodeJS.Timeout | undefined;
  #isStopping = false;
  /** When and why it ended though nobody stopped it. */
  #ended: { readonly at: number; readonly error: Error } | undefined;

  constructor(options: BridgeDirectionOptions) {
    this.#options = options;
    // By both: bridges of one name to several queues must not share the events of one group.
    this.group = `bridge:${options.name}:${options.ends.target}`;
    this.#sender = new EventSender({
      target: options.target,
      onBlocked: (error) => this.#pause(error),
      onStored: (count, duplicates) => {
        this.#blocked = undefined;
        options.counts.forwarded += count - duplicates;
        options.counts.duplicates += duplicates;
      },
    });
  }

  /** Makes its group, so that it misses nothing that is sent from here on. */
  async ensure(): Promise<void> {
    const { source, startFrom } = this.#options;
    await source.group(this.group, { ...this.#policy, from: startFrom }).ensure();
  }

  /** Begins; its group is there. */
  start(): void {
    const { source, concurrency, onError, onEnded } = this.#options;
    const consumer = source.group(this.group, this.#policy).consume(
      {
        concurrency,
        prefetch: 0,
        // What was given back has been told by whoever gave it back.
        onError: (error) => {
          if (!(error instanceof GivenBack)) onError(error);
        },
      },
      (event) => this.#carry(event),
    );
    // The bridge keeps the process alive, or doesn't.
    this.#consumer = consumer.unref();
    void consumer.ended.then((failure) => {
      this.#sender.end();
      if (this.#isStopping) return;
      this.#end(
        failure ?? new Error(`The queue that bridge group "${this.group}" reads is closed.`),
      );
      onEnded();
    });
  }

  /** Takes no new event and waits for those under way, at most so long. A second call may cut the first one short. */
  async stop(timeoutMs: number | undefined): Promise<StopResult> {
    this.#isStopping = true;
    clearTimeout(this.#resuming);
    const stopped = await this.#consumer?.stop({ timeoutMs });
    this.#sender.end();
    return stopped ?? { drained: true, left: 0 };
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined;
  }

  get inFlight(): number {
    return this.#consumer?.stats().inFlight ?? 0;
  }

  /** What keeps its events where they are, or some of them from going on. */
  async problems(): Promise<BridgeProblem[]> {
    const { source } = this.#options;
    const subject = this.group;
    if (this.#ended !== undefined) {
      const { at, error } = this.#ended;
      return [
        {
          code: "BRIDGE_ENDED",
          severity: "error",
          since: at,
          subject,
          message: `The bridge has ended: ${error.message}`,
          action: "Open the queues anew, and make a new bridge over them.",
        },
      ];
    }
    const group = (await source.groups.list()).find(({ name }) => name === subject);
    const { pending = 0, deadLetters = 0 } = group ?? {};
    const problems: BridgeProblem[] = [];
    // Another process of the bridge may have carried what this one couldn't.
    if (this.#blocked !== undefined && pending > 0) {
      const { since, error, times } = this.#blocked;
      problems.push({
        code: "BRIDGE_BLOCKED",
        severity: "error",
        since,
        subject,
        message: `The other queue takes no events; ${pending} wait. It was tried ${times} times, at last: ${messageOf(error)}`,
        action: "Repair the other queue, or the way to it. The bridge goes on by itself.",
      });
    }
    if (deadLetters > 0) {
      problems.push({
        code: "BRIDGE_REFUSED",
        severity: "warning",
        since: undefined,
        subject,
        message: `The other queue has refused ${deadLetters} events for what they are.`,
        action: `See deadLetters.list({ group: "${subject}" }) for why; redrive or discard them.`,
      });
    }
    return problems;
  }

  get #policy() {
    const { types, leaseMs, expireAfterMs } = this.#options;
    return { eventTypes: types, maxAttempts: MOST_ATTEMPTS, leaseMs, expireAfterMs };
  }

  async #carry(event: StoredEvent): Promise<void> {
    const { types, ends, counts, onError, mostTold } = this.#options;
    if (types === undefined && isInternalType(event.type)) {
      counts.skipped.internal += 1;
      return;
    }
    try {
      const outgoing = carriedEvent(event, ends);
      if (outgoing === "echo") counts.skipped.echo += 1;
      else await this.#sender.carry(outgoing);
    } catch (error) {
      if (isPermanent(error)) {
        counts.deadLetters += 1;
        if (counts.deadLetters <= mostTold) onError(refused(this.group, error));
      }
      throw error;
    }
  }

  /** Takes nothing for a while: another process may get through, and gets what this one had. */
  #pause(error: unknown): void {
    this.#consumer?.pause();
    if (error instanceof QueueError && error.code === "QUEUE_CLOSED") {
      if (!this.#isStopping) this.#giveUp(error);
      return;
    }
    if (this.#blocked === undefined) {
      this.#blocked = { since: Date.now(), error, times: 1 };
      this.#options.onError(blocked(this.group, error));
    } else {
      this.#blocked = { ...this.#blocked, error, times: this.#blocked.times + 1 };
    }
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#blocked.times - 1));
    const ms = longest * (0.5 + Math.random() / 2);
    this.#resuming = runDetached(() => setTimeout(() => this.#consumer?.resume(), ms).unref());
  }

  /** The target is closed for good. */
  #giveUp(error: QueueError): void {
    this.#end(error);
    this.#options.onError(
      new CoordinatorError(
        "BRIDGE_ENDED",
        `Bridge group "${this.group}" has ended: the queue that it stores in was closed in this process. Its events wait where they are. Close a bridge before its queues.`,
        { cause: error },
      ),
    );
    void this.#consumer?.stop();
  }

  #end(error: Error): void {
    this.#ended ??= { at: Date.now(), error };
  }
}

function refused(group: string, cause: unknown): CoordinatorError {
  return new CoordinatorError(
    "BRIDGE_REFUSED",
    `${messageOf(cause)} It is a dead letter of group "${group}" of the queue that it is in.`,
    { cause },
  );
}

function blocked(group: string, cause: unknown): CoordinatorError {
  return new CoordinatorError(
    "BRIDGE_BLOCKED",
    `Bridge group "${group}" can't store events in the other queue: ${messageOf(cause)} They wait where they are, and the bridge tries again.`,
    { cause },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
