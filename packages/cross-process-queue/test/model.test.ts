import {
  type DeadLetter,
  type EventQueue,
  type GroupInfo,
  type LeasedEvent,
  MemoryEventQueue,
  PermanentError,
} from "@ringrift/event-queue";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CrossProcessEventQueue } from "../src/index.ts";
import { tempPath } from "./temp-queue.ts";

/** One thing that somebody does; numbers choose among what is there. */
type Step =
  | { readonly do: "send"; readonly type: "A" | "B"; readonly key: string | undefined }
  | { readonly do: "receive"; readonly group: Name }
  | { readonly do: "ack" | "nack" | "bury"; readonly nth: number }
  | { readonly do: "ack-all" }
  | { readonly do: "redrive"; readonly limit: number }
  | { readonly do: "discard"; readonly limit: number }
  | { readonly do: "seek"; readonly group: Name; readonly position: number }
  | { readonly do: "remove"; readonly group: Name };
type Name = "all" | "only-a";

const name = fc.constantFrom<Name>("all", "only-a");
const limit = fc.integer({ min: 1, max: 3 });
const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant("send" as const),
        type: fc.constantFrom("A" as const, "B" as const),
        key: fc.constantFrom(undefined, "k", "l"),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("receive" as const), group: name }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom("ack" as const, "nack" as const, "bury" as const),
        nth: fc.nat(20),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("ack-all" as const) }) },
    fc.record({ do: fc.constant("redrive" as const), limit }),
    fc.record({ do: fc.constant("discard" as const), limit }),
    fc.record({ do: fc.constant("seek" as const), group: name, position: fc.nat(8) }),
    fc.record({ do: fc.constant("remove" as const), group: name }),
  ),
  { maxLength: 40 },
);

/** A queue, what it has leased out, and what it answered: everything that has no clock in it. */
class Subject {
  readonly queue: EventQueue;
  readonly #leased: LeasedEvent[] = [];

  constructor(queue: EventQueue) {
    this.queue = queue;
  }

  /** Does one step; what can be compared of the answer. */
  async take(step: Step): Promise<unknown> {
    const { queue } = this;
    if (step.do === "send") return (await queue.send(step.type, {}, { key: step.key })).position;
    if (step.do === "remove") return queue.groups.remove(step.group);
    if (step.do === "redrive") return queue.deadLetters.redrive({ limit: step.limit });
    if (step.do === "discard") return queue.deadLetters.discard({ limit: step.limit });
    if (step.do === "seek") {
      await this.#group(step.group).ensure();
      return (await queue.groups.seek(step.group, step)).cursor;
    }
    if (step.do === "receive") {
      const events = await this.#group(step.group).receive();
      this.#leased.push(...events);
      return events.map((event) => [event.position, event.attempt, event.redelivered]);
    }
    if (step.do === "ack-all") return Promise.all(this.#leased.map((event) => event.ack()));
    const event = this.#leased[step.nth];
    if (step.do === "ack") return event?.ack();
    if (step.do === "nack") return event?.nack({ delayMs: 0, reason: "no" });
    return event?.nack({ reason: new PermanentError("never") });
  }

  async state(): Promise<unknown> {
    const groups = await this.queue.groups.list();
    const letters = await this.queue.deadLetters.list();
    return { groups: groups.map(countsOf), letters: letters.map(factsOf) };
  }

  #group(group: Name): ReturnType<EventQueue["group"]> {
    const eventTypes = group === "only-a" ? ["A"] : undefined;
    return this.queue.group(group, { eventTypes, maxAttempts: 2 });
  }
}

/** Over events that a group doesn't read, its cursor moves when there is something else to write. */
function countsOf(group: GroupInfo): unknown {
  const { name, eventTypes, cursor, pending, inFlight, retrying, deadLetters } = group;
  const exact = eventTypes === undefined ? cursor : "later";
  return { name, eventTypes, cursor: exact, pending, inFlight, retrying, deadLetters };
}

function factsOf({ group, position, attempts, error, history }: DeadLetter): unknown {
  const failures = history.map(({ attempt, message }) => ({ attempt, message }));
  return { group, position, attempts, message: error.message, failures };
}

test("whatever is done, it answers as the queue in memory does", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      await using queue = new CrossProcessEventQueue(tempPath(), { survives: "process-crash" });
      await using model = new MemoryEventQueue();
      const [subject, reference] = [new Subject(queue), new Subject(model)];
      for (const step of script) {
        expect(await subject.take(step)).toEqual(await reference.take(step));
      }
      expect(await subject.state()).toEqual(await reference.state());
    }),
    { numRuns: 200 },
  );
});
