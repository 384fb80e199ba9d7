import type { AnyContracts, Contracts, EventView } from "@ringrift/envelope";
import { type BacklogLimit, type BacklogOptions, checkBacklog } from "../sending/backlog-gate.ts";
import type { DeadLetterNotice } from "../failures/dead-letter-notices.ts";
import type { RedactError } from "../failures/error-data.ts";
import { checkCount, checkMs, checkText, invalidOption, show } from "../checking/check-options.ts";
import { MAX_PAYLOAD_BYTES } from "../sending/payload.ts";

/** For compile messages: what is said of a group or a member, among the options of a queue by mistake. */
type SaidToConsume = {
  readonly [
    Name in "backoff" | "concurrency" | "leaseMs" | "maxAttempts" | "prefetch"
  ]?: `Belongs to a group: queue.consume({ group, ${Name} }, handler)`;
};

/** Options that every queue takes. */
export interface BackedQueueOptions<C extends Contracts = AnyContracts>
  extends BacklogOptions, SaidToConsume {
  /**
   * The catalogue's view (`catalogue.queue`): types of the events, and a check of their names.
   * @default every well-formed type
   */
  readonly events?: EventView<C> | undefined;
  /** In bytes of JSON, at most 1,048,576. @default 262_144 */
  readonly maxPayloadBytes?: number | undefined;
  /** `source` of events that are sent without one. @default "" */
  readonly source?: string | undefined;
  /** `health()` names a group whose oldest unsettled event is older. @default no limit */
  readonly maxLagMs?: number | undefined;
  /**
   * Told of each event that becomes a dead letter by a call of this instance.
   * @default process warnings with code `RINGRIFT_DEAD_LETTER`, a few a minute
   */
  readonly onDeadLetter?: ((notice: DeadLetterNotice) => void) | undefined;
  /**
   * Says what the queue keeps of an error with which a handler failed, in the event's history and in its dead letter: it
   * gets all of it (texts cut, four causes at most, what isn't an Error described) and returns what is stored, where
   * everybody who can read the queue reads it. To keep everything: `(error) => error`.
   * @default name, message, code and stack of the error; name and code of its causes; nothing of what is no Error
   */
  readonly redactError?: RedactError | undefined;
}

/** {@link BackedQueueOptions}, checked. */
export interface BackedQueueSettings {
  readonly view: EventView<Contracts> | undefined;
  readonly maxPayloadBytes: number | undefined;
  readonly source: string | undefined;
  readonly maxLagMs: number | undefined;
  readonly onDeadLetter: ((notice: DeadLetterNotice) => void) | undefined;
  readonly redactError: RedactError | undefined;
  readonly backlog: BacklogLimit | undefined;
}

/** Their names, for a backend's own list. */
export const BACKED_QUEUE_OPTION_NAMES: readonly (keyof BackedQueueOptions)[] = [
  "events",
  "maxPayloadBytes",
  "source",
  "maxLagMs",
  "onDeadLetter",
  "redactError",
  "maxBacklog",
  "backlogWaitMs",
];

/**
 * Checks the options that every queue takes.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkBackedQueueOptions(options: BackedQueueOptions): BackedQueueSettings {
  const { events, maxPayloadBytes, source, maxLagMs, onDeadLetter, redactError } = options;
  const { maxBacklog, backlogWaitMs } = options;
  for (const [name, value] of Object.entries({ onDeadLetter, redactError })) {
    if (value !== undefined && typeof value !== "function") {
      throw invalidOption(`Option "${name}" is ${show(value)}. Give a function.`);
    }
  }
  return {
    view: events,
    maxPayloadBytes: checkCount("maxPayloadBytes", maxPayloadBytes, MAX_PAYLOAD_BYTES),
    source: source === undefined || source === "" ? undefined : checkText("source", source),
    maxLagMs: maxLagMs === undefined ? undefined : checkMs("maxLagMs", maxLagMs, 1),
    onDeadLetter,
    redactError,
    backlog: checkBacklog({ maxBacklog, backlogWaitMs }),
  };
}
