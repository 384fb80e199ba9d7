import type { EventQueue } from "@ringrift/event-queue";

/** An event as the log has it at the end. */
export interface Row {
  readonly id: string;
  readonly position: number;
  readonly type: string;
  readonly key?: string;
  readonly name: string;
  readonly correlationId: string;
  readonly causationId?: string;
}

/** What the queue says when everything has come to rest. */
export interface Remains {
  readonly rows: readonly Row[];
  readonly groups: readonly { readonly name: string; readonly pending: number }[];
  readonly deadLetters: readonly { readonly group: string; readonly id: string }[];
}

const PAGE = 1000;

/** Reads everything that is left. */
export async function readRemains(queue: EventQueue): Promise<Remains> {
  const rows: Row[] = [];
  for (let after = 0; ;) {
    const page = await queue.history({ after, limit: PAGE });
    for (const { id, position, type, key, payload, correlationId, causationId } of page) {
      const { name } = payload as { name: string };
      const more = { ...(key !== undefined && { key }), ...(causationId && { causationId }) };
      rows.push({ id, position, type, name, correlationId, ...more });
      after = position;
    }
    if (page.length === 0) break;
  }
  const groups = (await queue.groups.list()).map(({ name, pending }) => ({ name, pending }));
  const letters = await queue.deadLetters.list({ limit: 100_000 });
  return { rows, groups, deadLetters: letters.map(({ group, id }) => ({ group, id })) };
}
