/* oxlint-disable vitest/valid-title, vitest/expect-expect -- titles and assertions are in the chapters */
import type { Contracts, EventView } from "@ringrift/envelope";
import { describe, expect, it } from "vitest";
import type { ConsumerGroup, EventQueue } from "../../contract/event-queue.ts";
import type { LeasedEvent } from "../../contract/events.ts";

/** `true`, or the reason why a backend can't: its cases are skipped and show it. */
export type Feature = true | string;

/** What a backend can do beyond what all must. */
export interface QueueFeatures {
  /** Events, groups and dead letters outlive the closing of every instance. */
  readonly persistent: Feature;
  /** Several instances may share one log at once. */
  readonly multipleInstances: Feature;
  /** Within a group, an event waits for the earlier ones of its key, whichever member has them. */
  readonly perKeyOrder: Feature;
  /** `retentionMs` is obeyed. */
  readonly retention: Feature;
  /** Groups expire after `expireAfterMs`. */
  readonly groupExpiry: Feature;
  /** The window of a `dedupeKey` ends after `dedupeWindowMs`, to within a second. */
  readonly dedupeWindow: Feature;
  /** Events may be sent with `delayMs`. */
  readonly delayedSends?: Feature;
  /** `maxBacklog` holds senders back. */
  readonly backpressure?: Feature;
  /** Groups skip events after `skipAfterMs`. */
  readonly skipping?: Feature;
  /** The fixture can step the clock that the log goes by: `stepClock`. */
  readonly clockSteps?: Feature;
  /** Members of one group may want different types. */
  readonly mixedTypes?: Feature;
  /** Reading groups of nodes and work groups are told apart. */
  readonly groupKinds?: Feature;
  /** Dead letters go when they are old. */
  readonly deadLetterRetention?: Feature;
  /** `migrateQueue` can move it. */
  readonly migration?: Feature;
  /** Its time is the `Date` of this process. */
  readonly clock?: Feature;
}

/** With which options an instance is opened; what is left out is the backend's default. */
export interface OpenOptions {
  readonly events?: EventView<Contracts> | undefined;
  readonly maxPayloadBytes?: number | undefined;
  readonly dedupeWindowMs?: number | undefined;
  readonly retentionMs?: number | undefined;
  readonly maxBacklog?: number | undefined;
  readonly backlogWaitMs?: number | undefined;
}

/** Fresh state for one case. */
export interface QueueFixture {
  /** Another instance over this case's log. The first call fixes what belongs to the log. */
  open(options?: OpenOptions): EventQueue;
  /** Sets the clock that the log goes by so many milliseconds forward, or back. Where `clockSteps` is `true`. */
  stepClock?(ms: number): void;
  /** Removes what the case left. Every instance is closed by then. */
  dispose(): Promise<void>;
}

/** Makes fresh state. */
export type QueueFactory = () => Promise<QueueFixture>;

/** What a case works with: instances that are closed when it is over. */
export interface Lab {
  open(options?: OpenOptions): EventQueue;
  /** An instance over a log of its own, that the case has nothing else of. */
  openAnother(): Promise<EventQueue>;
  stepClock(ms: number): void;
}

/** Registers one case. */
export type TestCase = (
  name: string,
  body: (lab: Lab) => Promise<void>,
  needs?: readonly (keyof QueueFeatures)[],
) => void;

/** A backend that was written before the feature was thought of. */
const UNKNOWN = "the features of this backend don't say whether it can";
const CASE_TIMEOUT_MS = 30_000;

/** Registers the chapters of the suite under one name. */
export function runSuite(
  name: string,
  features: QueueFeatures,
  factory: QueueFactory,
  chapters: Readonly<Record<string, (test: TestCase) => void>>,
): void {
  const test: TestCase = (title, body, needs = []) => {
    const lacking = needs.map((need) => features[need] ?? UNKNOWN).find((has) => has !== true);
    it(title, { timeout: CASE_TIMEOUT_MS }, async (context) => {
      if (lacking !== undefined) context.skip(lacking);
      await inLab(factory, body);
    });
  };
  describe(name, () => {
    for (const [title, chapter] of Object.entries(chapters)) {
      describe(title, () => {
        chapter(test);
      });
    }
  });
}

async function inLab(factory: QueueFactory, body: (lab: Lab) => Promise<void>): Promise<void> {
  const fixture = await factory();
  const others: QueueFixture[] = [];
  const opened: EventQueue[] = [];
  try {
    await body({
      open(options) {
        const queue = fixture.open(options);
        opened.push(queue);
        return queue;
      },
      async openAnother() {
        const other = await factory();
        others.push(other);
        const queue = other.open();
        opened.push(queue);
        return queue;
      },
      stepClock(ms) {
        if (fixture.stepClock === undefined) throw new Error("The fixture has no stepClock.");
        fixture.stepClock(ms);
      },
    });
  } finally {
    await Promise.all(opened.map((queue) => queue.close()));
    for (const each of [fixture, ...others]) await each.dispose();
  }
}

/** Waits for a condition: long enough for the slowest machine, no longer than it takes. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await sleep(5);
  }
}

/** Lets time pass; only where that nothing happens is the point. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Something that handlers wait for until the case opens it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: () => resolve() };
}

/** Expects a rejection, or an exception, with a code. */
export async function expectCode(attempt: () => unknown, code: string): Promise<Error> {
  const failure = await Promise.resolve()
    .then(attempt)
    .then(
      (value: unknown) => new Error(`Expected ${code}, got ${JSON.stringify(value)}`),
      (error: unknown) => error,
    );
  expect(failure).toMatchObject({ code });
  if (!(failure instanceof Error)) throw new Error("Threw something that is not an Error.");
  return failure;
}

/** Sends `count` events of one type with payloads `{ n: 1 }`, `{ n: 2 }`, …. */
export async function sendNumbered(queue: EventQueue, type: string, count: number): Promise<void> {
  await queue.sendMany(
    Array.from({ length: count }, (_, index) => ({ type, payload: { n: index + 1 } })),
  );
}

/** Leases everything a group has to give now. */
export async function receiveAll(group: ConsumerGroup): Promise<LeasedEvent[]> {
  const all: LeasedEvent[] = [];
  for (;;) {
    const events = await group.receive({ limit: 50 });
    if (events.length === 0) return all;
    all.push(...events);
  }
}

/** Leases one event, waiting for it: longer than a case may take, so that one which nobody wakes fails. */
export async function receiveOne(group: ConsumerGroup, leaseMs?: number): Promise<LeasedEvent> {
  const [event] = await group.receive({ limit: 1, waitMs: 120_000, leaseMs });
  if (event === undefined) throw new Error(`Group "${group.name}" gave no event.`);
  return event;
}

/** The `n` of each payload. */
export function numbersOf(events: readonly { readonly payload: { n: number } }[]): number[] {
  return events.map(({ payload }) => payload.n);
}

export const PLACED = "ORDER_PLACED";
export const PAID = "ORDER_PAID";
