import { emitQueueWarning } from "../failures/warning.ts";

/** Below these a duration makes no sense in milliseconds, and often does in seconds, minutes or hours. */
const SHORTEST: ReadonlyMap<string, { readonly ms: number; readonly example: string }> = new Map([
  ["leaseMs", { ms: 100, example: "30_000 for 30 seconds" }],
  ["handlerTimeoutMs", { ms: 100, example: "30_000 for 30 seconds" }],
  ["dedupeWindowMs", { ms: 1_000, example: "600_000 for 10 minutes" }],
  ["retentionMs", { ms: 60_000, example: "86_400_000 for 24 hours" }],
  ["skipAfterMs", { ms: 1_000, example: "3_600_000 for an hour" }],
  ["expireAfterMs", { ms: 60_000, example: "604_800_000 for 7 days" }],
]);

const warned = new Set<string>();

/**
 * Warns of a duration that looks like another unit: a process warning with code `RINGRIFT_SHORT_DURATION`,
 * once an option in a process. No error: in a test, 50 ms may be meant.
 */
export function warnIfSeconds(option: string, ms: number): void {
  const shortest = SHORTEST.get(option);
  if (shortest === undefined || ms <= 0 || ms >= shortest.ms || warned.has(option)) return;
  warned.add(option);
  emitQueueWarning(
    "RINGRIFT_SHORT_DURATION",
    `Option "${option}" is ${ms} milliseconds, which looks like seconds, minutes or hours. Give milliseconds, e.g. ${shortest.example}.`,
  );
}
