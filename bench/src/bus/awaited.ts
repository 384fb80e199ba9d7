import { createEventBus, type EventBusOptions } from "@ringrift/core-bus";
import { createStageEventBus } from "@ringrift/stage-events";
import Emittery from "emittery";
import EventEmitter2 from "eventemitter2";
import type { Candidate, Subject, TimedScenario } from "../runner/scenario.ts";
import {
  asyncLiterals,
  type Literals,
  PAYLOAD,
  type Payload,
  some,
  syncLiterals,
} from "./handlers.ts";
import { LimitBus } from "./limit.ts";

const TOPIC = "training.completed";
const HISTORY = 1000;

interface Handlers extends Literals {
  readonly count: number;
}

const tenAsync: Handlers = { ...asyncLiterals, count: 10 };
const tenSync: Handlers = { ...syncLiterals, count: 10 };
const threeSync: Handlers = { ...tenSync, count: 3 };

/** An operation is one publish that is awaited: it ends when all handlers have settled. */
function coreBus({ event, count }: Handlers, options: EventBusOptions): Candidate {
  return {
    name: "core-bus",
    make(tally, rotation): Subject {
      const bus = createEventBus(options);
      for (const handler of some(event, count, tally, rotation)) {
        bus.subscribe(TOPIC, handler as (event: unknown) => unknown);
      }
      return {
        async run(operations): Promise<void> {
          for (let done = 0; done < operations; done += 1) await bus.publish(TOPIC, PAYLOAD);
        },
      };
    },
  };
}

function limit({ event, count }: Handlers): Candidate {
  return {
    name: "limit",
    note: "the least possible loop with core-bus's duties (bench/src/bus/limit.ts)",
    make(tally, rotation): Subject {
      const bus = new LimitBus({ history: HISTORY });
      for (const handler of some(event, count, tally, rotation)) {
        bus.subscribe(TOPIC, handler as (event: unknown) => unknown);
      }
      return {
        async run(operations): Promise<void> {
          for (let done = 0; done < operations; done += 1) await bus.publish(TOPIC, PAYLOAD);
        },
      };
    },
  };
}

/** Without envelope, lineage or error isolation; emittery alone isolates errors. */
function peers({ payload, count }: Handlers): Candidate[] {
  return [
    {
      name: "raw Promise.all",
      make(tally, rotation): Subject {
        const handlers = some(payload, count, tally, rotation);
        return {
          async run(operations): Promise<void> {
            for (let done = 0; done < operations; done += 1) {
              await Promise.all(handlers.map((handler) => handler(PAYLOAD)));
            }
          },
        };
      },
    },
    {
      name: "emittery",
      make(tally, rotation): Subject {
        const emitter = new Emittery<Record<string, Payload>>();
        for (const handler of some(payload, count, tally, rotation)) {
          emitter.on(TOPIC, ({ data }) => handler(data) as void | Promise<void>);
        }
        return {
          async run(operations): Promise<void> {
            for (let done = 0; done < operations; done += 1) await emitter.emit(TOPIC, PAYLOAD);
          },
        };
      },
    },
    {
      name: "eventemitter2",
      note: "emitAsync, without wildcards",
      make(tally, rotation): Subject {
        const emitter = new EventEmitter2.EventEmitter2({ maxListeners: 0 });
        for (const handler of some(payload, count, tally, rotation)) emitter.on(TOPIC, handler);
        return {
          async run(operations): Promise<void> {
            for (let done = 0; done < operations; done += 1) {
              await emitter.emitAsync(TOPIC, PAYLOAD);
            }
          },
        };
      },
    },
  ];
}

/** The stage bus delivers its own result type; its callbacks do the same work on it. */
const stageEvents: Candidate = {
  name: "stage-events",
  make(tally, rotation): Subject {
    const stages = createStageEventBus();
    for (const handler of some(syncLiterals.event, 3, tally, rotation)) {
      stages.subscribe("training_complete", (result) =>
        handler({ payload: { value: result.iteration ?? 0 } }),
      );
    }
    return {
      async run(operations): Promise<void> {
        for (let done = 0; done < operations; done += 1) {
          await stages.emit({
            stage: "training_complete",
            success: true,
            configKey: "hex7_2p",
            iteration: 1,
          });
        }
      },
    };
  },
};

/** Publishes that are awaited. */
export const awaitedScenarios: readonly TimedScenario[] = [
  {
    kind: "time",
    id: "awaited-async-10",
    title: "Awaited publish, 10 async handlers, parallel",
    operation: 'One awaited publish to ten `async` handlers, `delivery: "parallel"`.',
    deliveries: 10,
    base: "raw Promise.all",
    candidates: [coreBus(tenAsync, { delivery: "parallel" }), limit(tenAsync), ...peers(tenAsync)],
    targets: [
      { candidate: "core-bus", base: "raw Promise.all", atLeast: 0.65 },
      { candidate: "core-bus", base: "emittery", atLeast: 2.5 },
    ],
  },
  {
    kind: "time",
    id: "awaited-sync-10",
    title: "Awaited publish, 10 sync handlers",
    operation: "One awaited publish to ten synchronous handlers.",
    deliveries: 10,
    base: "raw Promise.all",
    candidates: [coreBus(tenSync, {}), limit(tenSync), ...peers(tenSync)],
    targets: [
      { candidate: "core-bus", base: "raw Promise.all", atLeast: 2 },
      { candidate: "core-bus", base: "emittery", atLeast: 5 },
    ],
  },
  {
    kind: "time",
    id: "stages-3",
    title: "Stage result to 3 callbacks",
    operation: "One awaited emit on the stage bus, or publish on the core bus, to three callbacks.",
    deliveries: 3,
    base: "core-bus",
    candidates: [coreBus(threeSync, {}), stageEvents],
    targets: [{ candidate: "stage-events", base: "core-bus", atLeast: 0.5 }],
  },
];
