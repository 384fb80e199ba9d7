import type { EventBus } from "@ringrift/core-bus";
import type { Contracts, EventName, EventView } from "@ringrift/envelope";
import type { DeadLetterNotice, EventQueue, SendOptions } from "@ringrift/event-queue";
import type { AnyCatalogue, EmitterName } from "@ringrift/mappings";
import type { StageEventBus } from "@ringrift/stage-events";
import type { Direction } from "../carrying/counters.ts";

/** The topics of a catalogue with their payloads. */
export type TopicsOf<Cat extends AnyCatalogue> =
  Cat["topics"] extends EventView<infer T extends Contracts> ? T : never;
/** The queue names of a catalogue with their payloads. */
export type QueueTypesOf<Cat extends AnyCatalogue> =
  Cat["queue"] extends EventView<infer T extends Contracts> ? T : never;
/** The stages of a catalogue with the fields their results may have. */
export type StagesOf<Cat extends AnyCatalogue> =
  Cat["stages"] extends EventView<infer T extends Contracts> ? T : never;

/** What a starting node reads of the past. */
export interface CatchUpOptions {
  /** Where the group of a new node starts. @default now: a first start doesn't replay the past */
  readonly since?: Date | number | undefined;
  /**
   * Fill the bus's history from the log, up to where the node begins to read: "check the history before
   * you subscribe" then survives a restart. @default false
   */
  readonly history?: boolean | undefined;
}

/** What a coordinator is made of; all of it is optional. */
export interface CoordinatorOptions<Cat extends AnyCatalogue> {
  /** The events and their names on every bus. @default selfplayCatalogue */
  readonly catalogue?: Cat | undefined;
  /** The durable queue. @default an in-memory one: events then reach this process only */
  readonly queue?: EventQueue | EventQueue<QueueTypesOf<Cat>> | undefined;
  /** @default one of the catalogue's topics */
  readonly bus?: EventBus | EventBus<TopicsOf<Cat>> | undefined;
  /** @default one of the catalogue's stages */
  readonly stages?: StageEventBus | StageEventBus<StagesOf<Cat>> | undefined;
  /**
   * Name of this node. It may have one live holder, reads on where it stopped, and finds what was sent
   * while it was down. @default none: the node begins at now and leaves nothing behind
   */
  readonly node?: string | undefined;
  /** Directions to switch off. @default all on */
  readonly bridges?: Partial<Record<Direction, boolean>> | undefined;
  /** What it reads of the past when it starts. @default from now on, without a history */
  readonly catchUp?: CatchUpOptions | undefined;
  /**
   * Most events held in memory that are on their way to the queue, or wait until it can store them. What is published on the
   * bus beyond that stays in this process (`SPOOL_FULL`). @default 10_000
   */
  readonly spoolLimit?: number | undefined;
  /**
   * Told of each event that work on this node gives up on, or any call of its queue's instance.
   * @default process warnings with code `RINGRIFT_DEAD_LETTER`, a few a minute
   */
  readonly onDeadLetter?: ((notice: DeadLetterNotice) => void) | undefined;
  /** Gets what goes wrong in the background. @default process.emitWarning, code RINGRIFT_COORDINATOR_ERROR */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** What may accompany a durable publish. */
export interface DurablePublishOptions extends Pick<
  SendOptions,
  "correlationId" | "dedupeKey" | "headers" | "key" | "source" | "traceparent"
> {
  /** Remarks next to the payload; they cross processes. @default {} */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** What came of a durable publish. */
export interface PublishReceipt {
  /** Id of the event: the first one's when this was a duplicate. */
  readonly id: string;
  /** Its place in the queue's log. */
  readonly position: number;
  /** Whether the dedupe key or id was known: then nothing was stored and no handler ran. */
  readonly duplicate: boolean;
  /** Local handlers that succeeded. */
  readonly delivered: number;
  /** Failures of local handlers. */
  readonly errors: readonly Error[];
}

/** A function a topic: `training.completed` is `trainingCompleted(payload, options)`. */
export type Emitters<T extends Contracts> = {
  readonly [Topic in EventName<T> as EmitterName<Topic>]: (
    payload: T[Topic],
    options?: DurablePublishOptions,
  ) => Promise<PublishReceipt>;
};

/** Which stop waits how long. */
export interface StopOptions {
  /**
   * Longest the whole call takes (a tenth of a second more, to put down what was left). For `flush`, longest
   * to wait. @default no limit
   */
  readonly timeoutMs?: number | undefined;
}

/** What a stop left behind. */
export interface CoordinatorStopResult {
  /** Whether every handler finished and every event was stored in time. */
  readonly drained: boolean;
  /** Handlers still running and events not stored; what hangs without saying why counts as one. */
  readonly left: number;
}
