import type { AnyContracts, Contracts } from "@ringrift/envelope";
import {
  BACKED_QUEUE_OPTION_NAMES,
  type BackedQueueOptions,
  checkBackedQueueOptions,
} from "../queue/backed-queue-options.ts";
import { BackedQueue } from "../queue/backed-queue.ts";
import { QueueInstance } from "../backend/queue-instance.ts";
import { checkOptionNames, invalidOption } from "../checking/check-options.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { MemoryLog, type MemoryLogOptions } from "../memory-state/memory-log.ts";

/** Options of a {@link MemoryEventQueue}. */
export interface MemoryEventQueueOptions<C extends Contracts = AnyContracts>
  extends MemoryLogOptions, BackedQueueOptions<C> {
  /** A log to share with other instances; it has the options of {@link MemoryLogOptions} then. @default its own */
  readonly log?: MemoryLog | undefined;
}

const OPTION_NAMES: ReadonlySet<string> = new Set<keyof MemoryEventQueueOptions>([
  ...BACKED_QUEUE_OPTION_NAMES,
  "log",
  "dedupeWindowMs",
  "retentionMs",
  "deadLetterRetentionMs",
  "now",
]);

/**
 * The contract in memory, for tests and for programs of one process: everything that `EventQueue`
 * says, but nothing survives the process. It is also the reference model that other backends are tested
 * against.
 *
 * @example
 * const queue = new MemoryEventQueue();
 * await queue.send("ORDER_PLACED", { cents: 4200 });
 * (await queue.receive())[0].payload // { cents: 4200 }
 */
export class MemoryEventQueue<C extends Contracts = AnyContracts> extends BackedQueue<C> {
  /** @throws QueueError `INVALID_OPTION` */
  constructor(options: MemoryEventQueueOptions<C> = {}) {
    checkOptionNames("MemoryEventQueue", options, OPTION_NAMES);
    const log = logOf(options);
    super(
      new QueueInstance({
        name: "memory",
        claimsCommit: false,
        closeFlushes: true,
        open: async (host) => new MemoryBackend(log, host),
      }),
      checkBackedQueueOptions(options),
    );
  }
}

/** The log to work on: the one given, or one of its own. */
function logOf(options: MemoryEventQueueOptions): MemoryLog {
  const { log, dedupeWindowMs, retentionMs, deadLetterRetentionMs, now } = options;
  if (log === undefined) {
    return new MemoryLog({ dedupeWindowMs, retentionMs, deadLetterRetentionMs, now });
  }
  const names = ["dedupeWindowMs", "retentionMs", "deadLetterRetentionMs", "now"] as const;
  const given = names.filter((name) => options[name] !== undefined);
  if (given.length === 0) return log;
  throw invalidOption(
    `Options "log" and "${given.join('", "')}" are given together. Give the latter to the MemoryLog.`,
  );
}
