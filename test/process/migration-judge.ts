import type { DeadLetter, EventQueue, GroupInfo, StoredEvent } from "@ringrift/event-queue";
import { expect, vi } from "vitest";
import type { FilledQueue, Ledger } from "./migration-round.ts";

/** How late a delayed event may be on a busy machine. */
const LATE_MS = 5_000;

/** What a queue had before it was moved. */
export interface Before {
  readonly groups: readonly GroupInfo[];
  readonly letters: readonly DeadLetter[];
}

export async function lookAt(queue: EventQueue): Promise<Before> {
  const letters = await queue.deadLetters.list({ limit: 1_000 });
  return { groups: await queue.groups.list(), letters };
}

/** Judges a move by the logs and the ledgers alone. */
export async function judge(
  { old, next }: Readonly<Record<"old" | "next", EventQueue>>,
  { ledgers, delayed }: FilledQueue,
  { before, endedAt }: { readonly before: Before; readonly endedAt: number },
): Promise<void> {
  await vi.waitFor(async () => expect(await next.stats()).toMatchObject({ delayed: 0 }), {
    timeout: 20_000,
    interval: 50,
  });
  const from = await old.history({ limit: 10_000 });
  const to = await next.history({ limit: 10_000 });
  const isDelayed = ({ id }: StoredEvent): boolean => delayed.has(id);
  // Nothing is lost, nothing doubled, and the order is kept.
  const sent = new Set([...from.map(({ id }) => id), ...delayed.keys()]);
  expect(to.map(({ id }) => id).toSorted()).toEqual([...sent].toSorted());
  const inOrder = (log: StoredEvent[]): string[] =>
    log.filter((event) => !isDelayed(event)).map(({ id }) => id);
  expect(inOrder(to)).toEqual(inOrder(from));
  for (const event of to.filter(isDelayed)) {
    const dueAt = delayed.get(event.id) ?? 0;
    expect(event.storedAt).toBeGreaterThanOrEqual(dueAt);
    expect(event.storedAt).toBeLessThan(Math.max(dueAt, endedAt) + LATE_MS);
  }
  // The old queue is as it was: no attempt, no dead letter, no group more.
  const { groups, letters } = await lookAt(old);
  const worked = ({ name, retrying, deadLetters }: GroupInfo): unknown => [
    name,
    retrying,
    deadLetters,
  ];
  expect(groups.map(worked)).toEqual(before.groups.map(worked));
  // What a member has that nobody asked for goes back a moment later: there may be less in flight, and never more.
  const inFlight = new Map(before.groups.map((group) => [group.name, group.inFlight]));
  const leased = groups.filter((group) => group.inFlight > (inFlight.get(group.name) ?? 0));
  expect(leased).toEqual([]);
  expect(letters).toEqual(before.letters);
  const moved = await next.deadLetters.list({ limit: 1_000 });
  const whole = (letter: DeadLetter): unknown => ({ ...letter, position: undefined });
  expect(moved.map(whole)).toEqual(letters.map(whole));
  for (const ledger of ledgers) await judgeGroup(next, ledger, { from, to, isDelayed });
}

async function judgeGroup(
  queue: EventQueue,
  { name, types, done }: Ledger,
  logs: {
    readonly from: readonly StoredEvent[];
    readonly to: readonly StoredEvent[];
    readonly isDelayed: (event: StoredEvent) => boolean;
  },
): Promise<void> {
  const { from, to, isDelayed } = logs;
  const isWanted = ({ type }: StoredEvent): boolean => types.includes(type);
  const oldest = from.find((event) => isWanted(event) && !done.has(event.id) && !isDelayed(event));
  const received = new Map<string, StoredEvent>();
  for (;;) {
    const events = await queue.group(name).receive({ limit: 100, waitMs: 100 });
    if (events.length === 0) break;
    for (const event of events) {
      expect(received.has(event.id)).toBe(false);
      expect(event.attempt).toBe(1);
      if (done.has(event.id)) expect(event.redelivered).toBe(true);
      received.set(event.id, event);
      await event.ack();
    }
  }
  const at = ({ id }: { readonly id: string }): number => to.findIndex((event) => event.id === id);
  const start = oldest === undefined ? to.length : at(oldest);
  const expected = to.filter(
    (event, index) => isWanted(event) && (index >= start || isDelayed(event)),
  );
  // Where a delayed event fell due earlier in the new queue, the group begins there.
  const early = Math.min(start, ...expected.map(at));
  const most = to.filter((event, index) => isWanted(event) && index >= early);
  const missing = expected.filter(({ id }) => !received.has(id));
  expect(missing).toEqual([]);
  const surplus = [...received.keys()].filter((id) => !most.some((event) => event.id === id));
  expect(surplus).toEqual([]);
}
