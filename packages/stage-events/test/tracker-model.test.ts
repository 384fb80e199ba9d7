import type { EventBus } from "@ringrift/core-bus";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  definePipeline,
  type IllegalReason,
  type PipelineTracker,
  trackPipeline,
} from "../src/index.ts";
import { FakeClock } from "./fake-clock.ts";
import { deliver, fill, logged, type Logged, newBus, turn } from "./past.ts";
import { type Report, TrackerModel, type Way } from "./tracker-model.ts";

const PHASES = ["a", "b", "c"] as const;
const MAX_KEYS = 3;
const START = Date.UTC(2026, 0, 1);
const pipeline = definePipeline({
  stages: { a: { complete: "a_done" }, b: { complete: "b_done" }, c: { complete: "c_done" } },
  order: PHASES,
  terminal: ["c", "c_failed"],
  key: "key",
});

const key = fc.constantFrom("k1", "k2", "k3", "k4", "k5");
const phase = fc.constantFrom(0 as const, 1 as const, 2 as const);
const action = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant("report" as const), key, phase, ok: fc.boolean() }),
  },
  // The step that comes next: a random one is legal too rarely.
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("next" as const), key }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("redeliver" as const), back: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("forget" as const), key }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("restart" as const),
      history: fc.integer({ min: 1, max: 12 }),
      early: fc.boolean(),
    }),
  },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

/** How often what matters has happened. */
type Reached = Record<IllegalReason | "dropped" | "duplicates", number>;

/** A process with a tracker, and the log that outlives it. */
class World {
  readonly #log: { readonly report: Report; readonly event: Logged }[] = [];
  #bus: EventBus = newBus(pipeline.catalogue);
  #reasons: IllegalReason[] = [];
  #transitions = 0;
  #tracker: PipelineTracker;
  #model = new TrackerModel(MAX_KEYS);

  readonly #reached: Reached;

  constructor(reached: Reached) {
    this.#reached = reached;
    this.#tracker = this.#track();
  }

  async run(step: Action): Promise<void> {
    if (step.kind === "restart") return this.#restart(step);
    if (step.kind === "forget") {
      this.#model.forget(step.key);
      this.#tracker.forget(step.key);
      return undefined;
    }
    if (step.kind === "redeliver") {
      const entry = this.#log.at(-1 - step.back);
      return entry && this.#deliver(entry, "redelivered");
    }
    const id = this.#log.length;
    const at = Math.min(this.#model.keys.get(step.key)?.phase ?? 0, 2) as 0 | 1 | 2;
    const { phase: there, ok } = step.kind === "next" ? { phase: at, ok: true } : step;
    const report = { id, key: step.key, phase: there, ok };
    const topic = `${PHASES[there]}.${ok ? "completed" : "failed"}`;
    const entry = { report, event: logged(topic, { key: step.key, success: ok }, START + id) };
    this.#log.push(entry);
    return this.#deliver(entry, "live");
  }

  /** What the model says, next to what the tracker does. */
  compare(): void {
    const model = this.#model;
    const expected = Array.from(model.keys, ([name, { phase: at, failed, done }]) => [
      name,
      PHASES[at],
      failed,
      done,
    ]);
    const actual = Array.from(this.#tracker.states(), ([name, state]) => [
      name,
      state.stage,
      state.failure !== undefined,
      state.done,
    ]);
    expect(actual).toEqual(expected);
    expect(this.#reasons).toEqual(model.reasons);
    expect(this.#transitions).toBe(model.transitions);
    expect(this.#tracker.stats()).toEqual({
      keys: model.keys.size,
      done: expected.filter(([, , , done]) => done).length,
      transitions: model.transitions,
      illegal: model.reasons.length,
      stalls: 0,
      duplicates: model.duplicates,
      outside: 0,
      unmapped: 0,
      dropped: model.dropped,
    });
  }

  end(): void {
    const { dropped, duplicates } = this.#tracker.stats();
    this.#reached.dropped += dropped.done + dropped.running;
    this.#reached.duplicates += duplicates;
    for (const reason of this.#reasons) this.#reached[reason] += 1;
    this.#tracker.stop();
  }

  async #deliver({ report, event }: { report: Report; event: Logged }, way: Way): Promise<void> {
    this.#model.take(report, way);
    await deliver(this.#bus, event, way === "redelivered");
  }

  async #restart({ history, early }: { history: number; early: boolean }): Promise<void> {
    this.end();
    this.#bus = newBus(pipeline.catalogue, history);
    this.#reasons = [];
    this.#transitions = 0;
    this.#model = new TrackerModel(MAX_KEYS);
    if (early) this.#tracker = this.#track();
    fill(
      this.#bus,
      this.#log.map(({ event }) => event),
    );
    if (!early) this.#tracker = this.#track();
    for (const { report } of this.#log.slice(-history)) this.#model.take(report, "history");
    this.#model.cutOff = this.#log.length >= history;
    await turn();
  }

  #track(): PipelineTracker {
    return trackPipeline(
      { bus: this.#bus, catalogue: pipeline.catalogue, pipeline },
      {
        clock: new FakeClock(),
        maxKeys: MAX_KEYS,
        onIllegal: ({ reason }) => this.#reasons.push(reason),
        onTransition: () => {
          this.#transitions += 1;
        },
        onDrop: () => {},
      },
    );
  }
}

describe("any sequence of steps, failures, redeliveries, restarts and forgets", () => {
  it("leaves the tracker where a plain model says", async () => {
    const reached: Reached = {
      dropped: 0,
      duplicates: 0,
      late: 0,
      repeated: 0,
      skipped: 0,
      unfinished: 0,
      unknown: 0,
    };
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60, size: "max" }), async (actions) => {
        const world = new World(reached);
        for (const step of actions) {
          await world.run(step);
          world.compare();
        }
        world.end();
      }),
      { numRuns: 200 },
    );
    // What was never reached was not tested. Without numbers no iteration is left unfinished.
    const { unfinished, ...others } = reached;
    expect(unfinished).toBe(0);
    expect(Math.min(...Object.values(others)), JSON.stringify(reached)).toBeGreaterThan(50);
  });
});
