import type { NodeConnectionOptions } from "@nats-io/transport-node";
import type { AnyContracts, Contracts } from "@ringrift/envelope";
import { QueueError } from "@ringrift/event-queue";
import {
  BACKED_QUEUE_OPTION_NAMES,
  type BackedQueueOptions,
  type BackedQueueSettings,
  checkBackedQueueOptions,
  checkCount,
  checkMs,
  checkNumber,
  checkOptionNames,
  checkText,
} from "@ringrift/event-queue/backend";

/** Bounds that the server itself keeps, whether or not any client runs. */
export interface ServerLimits {
  /** The server drops events older than this, settled or not. @default no limit */
  readonly maxAgeMs?: number | undefined;
  /** With so many events in the log, sends are refused (`QUEUE_FULL`). @default no limit */
  readonly maxEvents?: number | undefined;
  /** With so many bytes in the log, sends are refused (`QUEUE_FULL`). @default no limit */
  readonly maxBytes?: number | undefined;
}

/** Options of `openNatsQueue`. */
export interface NatsQueueOptions<
  C extends Contracts = AnyContracts,
> extends BackedQueueOptions<C> {
  /** One server or several of one cluster, e.g. `nats://127.0.0.1:4222`. @default "127.0.0.1:4222" */
  readonly servers?: string | readonly string[] | undefined;
  /**
   * Name of the queue: of its stream, and the first token of its subjects. 1 to 64 letters, digits, `_` or
   * `-`. `name-dead` and `name-state` are streams of the queue too.
   */
  readonly stream: string;
  /**
   * Whatever else the NATS client takes: `authenticator`, `tls`, `name`, `pingInterval`, …. Its options for reconnecting
   * have no effect: a queue makes its connection anew by itself, for ever. @default {}
   */
  readonly connection?: Omit<NodeConnectionOptions, "servers"> | undefined;
  /** The same as in `connection`. @default none */
  readonly user?: string | undefined;
  /** The same as in `connection`. @default none */
  readonly pass?: string | undefined;
  /** The same as in `connection`. @default none */
  readonly token?: string | undefined;
  /** The same as in `connection`: nkeys, creds files and the like. @default none */
  readonly authenticator?: NodeConnectionOptions["authenticator"] | undefined;
  /** The same as in `connection`. @default none */
  readonly tls?: NodeConnectionOptions["tls"] | undefined;
  /** JetStream domain. @default the server's own */
  readonly domain?: string | undefined;
  /** Copies of each stream, 1 to 5; streams that exist keep theirs unless it is given. @default 1 */
  readonly replicas?: number | undefined;
  /** Events older than this go, once every group has settled them. @default 86_400_000 (24 hours) */
  readonly retentionMs?: number | undefined;
  /** Most events to retain: beyond, the oldest go that every group has settled. @default no limit */
  readonly retentionEvents?: number | undefined;
  /** Most bytes to retain: beyond, the oldest events go that every group has settled. @default no limit */
  readonly retentionBytes?: number | undefined;
  /** Dead letters older than this go, and are counted. @default 2_592_000_000 (30 days) */
  readonly deadLetterRetentionMs?: number | undefined;
  /**
   * Most bytes of dead letters and of what is redriven: beyond, the oldest dead letters go, and are counted.
   * @default a quarter of `limits.maxBytes`, or else of `retentionBytes`; without either no limit
   */
  readonly deadLetterBytes?: number | undefined;
  /** Bounds that the server keeps. A queue that exists keeps its own unless they are given. @default no limits */
  readonly limits?: ServerLimits | undefined;
  /**
   * How long an event's id and a `dedupeKey` are remembered; at least 100. A queue that exists keeps its own
   * unless it is given. @default 600_000 (10 minutes)
   */
  readonly dedupeWindowMs?: number | undefined;
  /** In bytes of JSON, at most 1,048,576, and less than the server's `max_payload`. @default 262_144 */
  readonly maxPayloadBytes?: number | undefined;
  /** How long a call tries to reach the server before it rejects with `SERVER_UNREACHABLE`. @default 10_000 */
  readonly patienceMs?: number | undefined;
  /**
   * Address of the server's monitoring, e.g. `http://127.0.0.1:8222`: `health()` then sees how the server
   * syncs to its disk. @default none: `health()` doesn't say
   */
  readonly monitoring?: string | undefined;
}

/** Options, checked, with their defaults. */
export interface CheckedOptions extends BackedQueueSettings {
  readonly stream: string;
  readonly connection: NodeConnectionOptions;
  readonly domain: string | undefined;
  readonly replicas: number | undefined;
  readonly retention: {
    readonly ms: number;
    readonly events: number | undefined;
    readonly bytes: number | undefined;
  };
  readonly deadLetters: {
    readonly ms: number;
    readonly bytes: number | undefined;
  };
  readonly limits: ServerLimits;
  readonly dedupeWindowMs: number | undefined;
  readonly patienceMs: number;
  readonly monitoring: string | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof NatsQueueOptions>([
  ...BACKED_QUEUE_OPTION_NAMES,
  "servers",
  "stream",
  "connection",
  "user",
  "pass",
  "token",
  "authenticator",
  "tls",
  "domain",
  "replicas",
  "retentionMs",
  "retentionEvents",
  "retentionBytes",
  "deadLetterRetentionMs",
  "deadLetterBytes",
  "limits",
  "dedupeWindowMs",
  "patienceMs",
  "monitoring",
]);
const LIMIT_NAMES: ReadonlySet<string> = new Set<keyof ServerLimits>([
  "maxAgeMs",
  "maxEvents",
  "maxBytes",
]);
/** Of what the log may take. */
const DEAD_SHARE = 0.25;
const STREAM_NAME = /^[A-Za-z0-9_-]{1,64}$/;
/** The server refuses shorter windows. */
const SHORTEST_WINDOW_MS = 100;

/**
 * Checks what a queue is opened with; no I/O.
 *
 * @throws QueueError `INVALID_OPTION`
 */
export function checkOptions(options: NatsQueueOptions): CheckedOptions {
  checkOptionNames("openNatsQueue", options, OPTION_NAMES);
  const { stream, limits = {}, domain, monitoring } = options;
  if (typeof stream !== "string" || !STREAM_NAME.test(stream)) {
    throw new QueueError(
      "INVALID_OPTION",
      `Option "stream" is ${JSON.stringify(stream) ?? "undefined"}. Give 1 to 64 letters, digits, "_" or "-", e.g. "ringrift".`,
    );
  }
  checkOptionNames("limits", limits, LIMIT_NAMES);
  return {
    ...checkBackedQueueOptions(options),
    stream,
    connection: connectionOf(options),
    domain: domain === undefined ? undefined : checkText("domain", domain),
    replicas:
      options.replicas === undefined
        ? undefined
        : checkNumber("replicas", options.replicas, { min: 1, max: 5 }),
    retention: {
      ms: checkMs("retentionMs", options.retentionMs ?? 86_400_000),
      events: checkCount("retentionEvents", options.retentionEvents),
      bytes: checkCount("retentionBytes", options.retentionBytes),
    },
    deadLetters: {
      ms: checkMs("deadLetterRetentionMs", options.deadLetterRetentionMs ?? 2_592_000_000),
      bytes: checkCount("deadLetterBytes", options.deadLetterBytes) ?? shareOf(options),
    },
    limits: {
      maxAgeMs:
        limits.maxAgeMs === undefined ? undefined : checkMs("limits.maxAgeMs", limits.maxAgeMs, 1),
      maxEvents: checkCount("limits.maxEvents", limits.maxEvents),
      maxBytes: checkCount("limits.maxBytes", limits.maxBytes),
    },
    dedupeWindowMs:
      options.dedupeWindowMs === undefined
        ? undefined
        : checkMs("dedupeWindowMs", options.dedupeWindowMs, SHORTEST_WINDOW_MS),
    patienceMs: checkMs("patienceMs", options.patienceMs ?? 10_000, 1),
    monitoring: monitoring === undefined ? undefined : checkText("monitoring", monitoring),
  };
}

/** What dead letters may take where nobody says. */
function shareOf({ limits, retentionBytes }: NatsQueueOptions): number | undefined {
  const bytes = limits?.maxBytes ?? retentionBytes;
  return bytes === undefined ? undefined : Math.max(1, Math.floor(bytes * DEAD_SHARE));
}

function connectionOf(options: NatsQueueOptions): NodeConnectionOptions {
  const { servers, connection, user, pass, token, authenticator, tls } = options;
  return {
    ...connection,
    ...(servers !== undefined && { servers: typeof servers === "string" ? servers : [...servers] }),
    ...(user !== undefined && { user }),
    ...(pass !== undefined && { pass }),
    ...(token !== undefined && { token }),
    ...(authenticator !== undefined && { authenticator }),
    ...(tls !== undefined && { tls }),
  };
}
