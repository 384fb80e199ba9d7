import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEventBus, type EventBus, type Subscription } from "../src/index.ts";

/** What a subscription listens to, by a bus and by a test of a topic that shares nothing with it. */
interface Selection {
  readonly text: string;
  readonly on: string | { topicPattern: RegExp } | { topic: string; source: string };
  readonly wants: (topic: string) => boolean;
}

const SELECTIONS: readonly Selection[] = [
  ...["a", "b", "a.b", "a.b.a", "__proto__"].map((topic) => ({
    text: topic,
    on: topic,
    wants: (text: string) => text === topic,
  })),
  { text: "*", on: "*", wants: (text) => !text.includes(".") },
  { text: "**", on: "**", wants: () => true },
  { text: "a.*", on: "a.*", wants: (text) => /^a\.[^.]+$/.test(text) },
  { text: "a.**", on: "a.**", wants: (text) => /^a(\.|$)/.test(text) },
  { text: "**.a", on: "**.a", wants: (text) => /(^|\.)a$/.test(text) },
  { text: "{a,b}", on: "{a,b}", wants: (text) => text === "a" || text === "b" },
  { text: "{a,*,**}.b", on: "{a,*,**}.b", wants: (text) => /(^|\.)b$/.test(text) },
  { text: "[ab]*.?", on: "[ab]*.?", wants: (text) => /^[ab][^.]*\.[^.]$/.test(text) },
  { text: "/b/", on: { topicPattern: /b/ }, wants: (text) => text.includes("b") },
  { text: "/^a/g", on: { topicPattern: /^a/g }, wants: (text) => text.startsWith("a") },
  { text: "a", on: { topic: "a", source: "other" }, wants: () => false },
];
const TOPICS = ["a", "b", "a.b", "a.b.a", "__proto__", "b.b", "c"];
/** Most handler calls of one sequence: handlers may publish, and so on without an end. */
const MOST_CALLS = 300;

/** What a handler does when it is called, besides writing that down. */
type Effect =
  | { readonly kind: "nothing" }
  | { readonly kind: "throw" }
  | { readonly kind: "end"; readonly which: number }
  | { readonly kind: "end self" }
  | { readonly kind: "abort"; readonly which: number }
  | { readonly kind: "end topic"; readonly selection: number }
  | { readonly kind: "publish"; readonly topic: number }
  | { readonly kind: "subscribe"; readonly plan: Plan };

interface Plan {
  readonly selection: number;
  readonly priority: number;
  readonly once: boolean;
  /** Wants every event, or only even ones. */
  readonly even: boolean;
  readonly effect: Effect;
}

type Step = Exclude<Effect, { kind: "nothing" | "throw" | "end self" }>;

/** The bus or its model: what the steps need. */
interface Subject {
  subscribe(plan: Plan, id: number, call: (event: number) => void): void;
  end(id: number): void;
  abort(id: number): void;
  /** Ends by topic; says how many. */
  endTopic(text: string): number;
  /** Calls the handlers; says how many, as far as that is known at once. */
  publish(topic: string, event: number): number | undefined;
}

class RealBus implements Subject {
  readonly #bus: EventBus;
  readonly #subs = new Map<number, { sub: Subscription; controller: AbortController }>();

  readonly #verb: Verb;

  constructor(routeCache: number, verb: Verb) {
    this.#verb = verb;
    this.#bus = createEventBus({ routeCache, history: false, onError: () => {} });
  }

  subscribe(plan: Plan, id: number, call: (event: number) => void): void {
    const controller = new AbortController();
    const { priority, once } = plan;
    const sub = this.#bus.subscribe(
      SELECTIONS[plan.selection]!.on as string,
      (event) => call(event.payload),
      {
        priority,
        once,
        signal: controller.signal,
        ...(plan.even && { where: (event) => event.payload % 2 === 0 }),
      },
    );
    this.#subs.set(id, { sub, controller });
  }

  end(id: number): void {
    this.#subs.get(id)?.sub();
  }

  abort(id: number): void {
    this.#subs.get(id)?.controller.abort();
  }

  endTopic(text: string): number {
    return this.#bus.unsubscribe({ topic: text });
  }

  publish(topic: string, event: number): number | undefined {
    if (this.#verb === "publishSync") return this.#bus.publishSync(topic, event);
    // Synchronous handlers have all been called when it returns.
    void this.#bus.publish(topic, event);
    return undefined;
  }
}

type Verb = "publish" | "publishSync";

interface Filed {
  readonly plan: Plan;
  readonly id: number;
  readonly call: (event: number) => void;
}

/** The rules of delivery, as slow as they are short. */
class Model implements Subject {
  readonly #verb: Verb;
  #filed: Filed[] = [];

  constructor(verb: Verb) {
    this.#verb = verb;
  }

  subscribe(plan: Plan, id: number, call: (event: number) => void): void {
    this.#filed.push({ plan, id, call });
  }

  end(id: number): void {
    this.#filed = this.#filed.filter((filed) => filed.id !== id);
  }

  abort(id: number): void {
    this.end(id);
  }

  endTopic(text: string): number {
    const kept = this.#filed.filter((filed) => SELECTIONS[filed.plan.selection]!.text !== text);
    const ended = this.#filed.length - kept.length;
    this.#filed = kept;
    return ended;
  }

  publish(topic: string, event: number): number | undefined {
    let called = 0;
    const route = this.#filed
      .filter(({ plan }) => SELECTIONS[plan.selection]!.wants(topic))
      .toSorted((one, other) => other.plan.priority - one.plan.priority || one.id - other.id);
    for (const filed of route) {
      if (!this.#filed.includes(filed)) continue;
      if (filed.plan.even && event % 2 === 1) continue;
      if (filed.plan.once) this.end(filed.id);
      called += 1;
      try {
        filed.call(event);
      } catch {
        // A handler's failure stops nobody.
      }
    }
    return this.#verb === "publishSync" ? called : undefined;
  }
}

/** Runs the steps and writes down every call and every answer. */
function run(subject: Subject, steps: readonly Step[]): string[] {
  const log: string[] = [];
  let subscriptions = 0;
  let events = 0;
  let depth = 0;
  const perform = (effect: Effect, self: number): void => {
    if (effect.kind === "subscribe") {
      const id = subscriptions;
      subscriptions += 1;
      subject.subscribe(effect.plan, id, (event) => {
        log.push(`${"  ".repeat(depth)}${id} gets ${event}`);
        if (log.length < MOST_CALLS) perform(effect.plan.effect, id);
      });
    } else if (effect.kind === "publish") {
      const event = events;
      events += 1;
      depth += 1;
      const called = depth > 5 ? 0 : subject.publish(TOPICS[effect.topic]!, event);
      depth -= 1;
      log.push(`${"  ".repeat(depth)}${event} called ${called}`);
    } else if (effect.kind === "end topic") {
      log.push(`ended ${subject.endTopic(SELECTIONS[effect.selection]!.text)}`);
    } else if (effect.kind === "end") subject.end(effect.which % Math.max(1, subscriptions));
    else if (effect.kind === "abort") subject.abort(effect.which % Math.max(1, subscriptions));
    else if (effect.kind === "end self") subject.end(self);
    else if (effect.kind === "throw") throw new Error("of the handler");
  };
  for (const step of steps) perform(step, -1);
  return log;
}

const selection = fc.nat({ max: SELECTIONS.length - 1 });
const publishing = fc.record({
  kind: fc.constant("publish" as const),
  topic: fc.nat({ max: TOPICS.length - 1 }),
});
const ending = fc.record({ kind: fc.constant("end" as const), which: fc.nat({ max: 30 }) });
const aborting = fc.record({ kind: fc.constant("abort" as const), which: fc.nat({ max: 30 }) });
const endingTopic = fc.record({ kind: fc.constant("end topic" as const), selection });
const { subscribing } = fc.letrec<{ effect: Effect; plan: Plan; subscribing: Step }>((tie) => ({
  effect: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    { weight: 6, arbitrary: fc.constant({ kind: "nothing" as const }) },
    { weight: 1, arbitrary: fc.constantFrom({ kind: "throw" }, { kind: "end self" } as const) },
    { weight: 2, arbitrary: ending },
    { weight: 1, arbitrary: aborting },
    { weight: 1, arbitrary: endingTopic },
    { weight: 2, arbitrary: publishing },
    { weight: 2, arbitrary: tie("subscribing") },
  ),
  plan: fc.record({
    selection,
    priority: fc.integer({ min: -1, max: 1 }),
    once: fc.boolean(),
    even: fc.nat({ max: 3 }).map((n) => n === 0),
    effect: tie("effect"),
  }),
  subscribing: fc.record({ kind: fc.constant("subscribe" as const), plan: tie("plan") }),
}));
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: subscribing },
    { weight: 1, arbitrary: ending },
    { weight: 1, arbitrary: aborting },
    { weight: 1, arbitrary: endingTopic },
    { weight: 6, arbitrary: publishing },
  ),
  { maxLength: 50, size: "max" },
);

describe("any sequence of subscribing, ending, aborting and publishing", () => {
  const cases = [0, 1, 1024].flatMap((cache) => [
    { cache, verb: "publishSync" as const },
    { cache, verb: "publish" as const },
  ]);

  it.each(cases)(
    "calls the same handlers in the same order as the rules say, changes in handlers included, with $verb and a cache of $cache",
    ({ cache, verb }) => {
      let calls = 0;
      fc.assert(
        fc.property(steps, (sequence) => {
          const expected = run(new Model(verb), sequence);
          expect(run(new RealBus(cache, verb), sequence)).toEqual(expected);
          calls += expected.length;
        }),
        { numRuns: 300 },
      );
      expect(calls).toBeGreaterThan(3000);
    },
  );
});
