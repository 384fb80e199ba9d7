import type { EventQueue, GroupInfo } from "@ringrift/event-queue";
import type { Payload } from "./said.ts";

/** An event as the log has it at the end. */
export interface Row extends Pick<Payload, "from" | "n"> {
  readonly id: string;
  readonly position: number;
  readonly key?: string;
}

/** What the queue says when the load has ended, and there was time to work it off. */
export interface KeyedRemains {
  readonly rows: readonly Row[];
  readonly dead: readonly {
    readonly id: string;
    readonly code: string;
    readonly attempts: number;
  }[];
  readonly group: Pick<GroupInfo, "pending" | "inFlight" | "retrying"> | undefined;
  readonly maxAttempts: number;
  readonly leaseMs: number;
}

const PAGE = 1_000;
const MOST = 10_000;

/** Reads everything that is left. */
export async function readKeyedRemains(
  queue: EventQueue,
  group: string,
  limits: Pick<KeyedRemains, "maxAttempts" | "leaseMs">,
): Promise<KeyedRemains> {
  const rows: Row[] = [];
  for (let after = 0; ;) {
    const page = await queue.history({ after, limit: PAGE });
    for (const { id, position, key, payload } of page) {
      const { from, n } = payload as Payload;
      rows.push({ id, position, ...(key !== undefined && { key }), from, n });
      after = position;
    }
    if (page.length === 0) break;
  }
  const letters = await queue.deadLetters.list({ limit: MOST });
  const dead = letters.map(({ id, error, attempts }) => ({
    id,
    code: error.code ?? error.name,
    attempts,
  }));
  const found = (await queue.groups.list()).find(({ name }) => name === group);
  const { pending = 0, inFlight = 0, retrying = 0 } = found ?? {};
  return { rows, dead, group: found && { pending, inFlight, retrying }, ...limits };
}
