import {
  aFunction,
  anObject,
  anything,
  checkOptions,
  isWhole,
  LONGEST_MS,
  type Rules,
  someMillis,
} from "../contract/checked.ts";
import type { AnyContracts, Contracts, EventView } from "@ringrift/envelope";
import { anOrder, type DeliveryOrder } from "../delivery/delivery-order.ts";
import type { HandlerError } from "../signals/handler-error.ts";
import type { HistoryOption } from "../reading/history.ts";
import type { SchemasFor } from "../publishing/schemas.ts";

/** How a bus is made: what it carries, keeps and bounds. All of it is optional. */
export interface EventBusOptions<Topics extends Contracts = AnyContracts> {
  /**
   * The topics, from a catalogue: gives the types, and refuses the spellings of other buses.
   * @default every well-formed topic
   */
  readonly events?: EventView<Topics> | undefined;
  /**
   * One Standard Schema per topic (zod, valibot, arktype …). Every payload that is published is checked, a
   * bridge's too, and what the schema gives out is delivered: defaults filled in, unknown fields
   * dropped. Without `events` these are all the topics there are; with `events`, topics without a
   * schema take anything. @default no payload is checked
   */
  readonly schemas?: SchemasFor<NoInfer<Topics>> | undefined;
  /** How many of the newest events are kept for `getHistory` and replays. @default 1000 */
  readonly history?: HistoryOption | undefined;
  /** Gets every handler's failure. @default a process warning with code `RINGRIFT_HANDLER_ERROR` */
  readonly onError?: ((error: HandlerError) => unknown) | undefined;
  /** `serial`: each handler waits for the one before; `parallel`: all start at once. @default "serial" */
  readonly delivery?: DeliveryOrder | undefined;
  /**
   * Milliseconds after which an asynchronous handler counts as failed (`HANDLER_TIMEOUT`), and the
   * delivery goes on without it. It is not stopped: nothing in JavaScript could. @default no limit
   */
  readonly handlerTimeoutMs?: number | undefined;
  /** Most unfinished publishes nested in each other. @default 100 */
  readonly maxDepth?: number | undefined;
  /**
   * Most handlers between an event and the first one of its trail, in all processes: beyond it publishing is refused
   * (`CAUSAL_DEPTH_EXCEEDED`). Leave it out where a loop has no last round. @default no limit
   */
  readonly maxCausalDepth?: number | undefined;
  /** Topics whose compiled routes are kept; 0 for none. @default 1024 */
  readonly routeCache?: number | undefined;
  /** Warn once of a topic or pattern with more subscriptions than this; 0 for never. @default 100 */
  readonly leakWarning?: number | undefined;
}

/** The options of a bus, checked and with their defaults. */
export interface ReadOptions {
  readonly historyCapacity: number;
  readonly delivery: DeliveryOrder;
  readonly handlerTimeoutMs: number | undefined;
  readonly maxDepth: number;
  readonly maxCausalDepth: number;
  readonly routeCache: number;
  readonly leakWarning: number;
}

const RULES: Rules<EventBusOptions> = {
  events: anObject,
  schemas: anything,
  history: [
    (value) => value === false || isWhole(sizeOf(value as HistoryOption), 0),
    "false, a whole number of events from 0, or { size }",
  ],
  onError: aFunction,
  delivery: anOrder,
  handlerTimeoutMs: [
    (value) => someMillis[0](value) && (value as number) >= 1,
    `milliseconds from 1 to ${LONGEST_MS}`,
  ],
  maxDepth: [(value) => typeof value === "number" && value >= 1, "a number from 1"],
  maxCausalDepth: [(value) => typeof value === "number" && value >= 1, "a number from 1"],
  routeCache: [(value) => isWhole(value, 0), "a whole number of topics, 0 for no cache"],
  leakWarning: [(value) => isWhole(value, 0), "a whole number of subscriptions, 0 for never"],
};

/** @throws EventBusError `INVALID_OPTION` */
export function readOptions(options: EventBusOptions<Contracts>): ReadOptions {
  checkOptions(options as EventBusOptions, RULES);
  const { delivery = "serial", maxDepth = 100, history = 1000, handlerTimeoutMs } = options;
  const { routeCache = 1024, leakWarning = 100, maxCausalDepth = Infinity } = options;
  const historyCapacity = sizeOf(history);
  const depths = { maxDepth, maxCausalDepth };
  return { historyCapacity, delivery, handlerTimeoutMs, ...depths, routeCache, leakWarning };
}

function sizeOf(history: HistoryOption): number {
  if (history === false) return 0;
  return typeof history === "object" ? history?.size : history;
}
