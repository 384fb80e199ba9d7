import { createEventBus, type EventBus } from "@ringrift/core-bus";
import EventEmitter2 from "eventemitter2";
import type { Candidate, Subject, Tally, TimedScenario } from "../runner/scenario.ts";
import { PAYLOAD, some, syncLiterals } from "./handlers.ts";
import { LimitBus } from "./limit.ts";
import { literalTopics } from "./topics.ts";
import { eventemitter2Matcher, wrongAnswersOf } from "./wrong-answers.ts";

const PATTERNS = 1000;
/** Of the patterns, each topic below matches one of every kind: three deliveries a publish. */
const patterns = literalTopics(PATTERNS, (index) => {
  const number = Math.floor(index / 3);
  return [`area${number}.**`, `*.kind${number}.*`, `area${number}.*.done`][index % 3]!;
});
const MATCHES = 3;
const hotTopics = literalTopics(100, (index) => `area${index}.kind${index}.done`);
/** More than any cache keeps, taken in turn: each is new, or long forgotten, when its turn comes. */
const FRESH_TOPICS = 16_384;
const PUBLISHES = 10;

type Wildcards = InstanceType<typeof EventEmitter2.EventEmitter2>;

function busWithPatterns(tally: Tally, rotation: number): EventBus {
  const bus = createEventBus();
  const handlers = some(syncLiterals.event, patterns.length, tally, rotation);
  for (const [index, pattern] of patterns.entries()) {
    bus.subscribe(pattern, handlers[index] as (event: unknown) => unknown);
  }
  return bus;
}

function emitterWithPatterns(tally: Tally, rotation: number): Wildcards {
  const emitter = new EventEmitter2.EventEmitter2({ wildcard: true, maxListeners: 0 });
  const handlers = some(syncLiterals.payload, patterns.length, tally, rotation);
  for (const [index, pattern] of patterns.entries()) emitter.on(pattern, handlers[index]!);
  return emitter;
}

const hot: readonly Candidate[] = [
  {
    name: "core-bus",
    make(tally, rotation): Subject {
      const bus = busWithPatterns(tally, rotation);
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            bus.publishSync(hotTopics[turn]!, PAYLOAD);
            turn = turn + 1 === hotTopics.length ? 0 : turn + 1;
          }
        },
      };
    },
  },
  {
    name: "core-bus, exact",
    note: "the same publishes to as many subscriptions of the exact topics",
    make(tally, rotation): Subject {
      const bus = createEventBus();
      for (const [index, topic] of hotTopics.entries()) {
        for (const handler of some(syncLiterals.event, MATCHES, tally, rotation + index)) {
          bus.subscribe(topic, handler as (event: unknown) => unknown);
        }
      }
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            bus.publishSync(hotTopics[turn]!, PAYLOAD);
            turn = turn + 1 === hotTopics.length ? 0 : turn + 1;
          }
        },
      };
    },
  },
  {
    name: "limit",
    note: "the least possible loop with core-bus's duties, its routes ready (bench/src/bus/limit.ts)",
    make(tally, rotation): Subject {
      const bus = new LimitBus({ history: PATTERNS });
      for (const [index, topic] of hotTopics.entries()) {
        for (const handler of some(syncLiterals.event, MATCHES, tally, rotation + index)) {
          bus.subscribe(topic, handler as (event: unknown) => unknown);
        }
      }
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            bus.publishSync(hotTopics[turn]!, PAYLOAD);
            turn = turn + 1 === hotTopics.length ? 0 : turn + 1;
          }
        },
      };
    },
  },
  {
    name: "eventemitter2",
    note: "`wildcard: true`",
    make(tally, rotation): Subject {
      const emitter = emitterWithPatterns(tally, rotation);
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            emitter.emit(hotTopics[turn]!, PAYLOAD);
            turn = turn + 1 === hotTopics.length ? 0 : turn + 1;
          }
        },
      };
    },
  },
];

/** Put together at run time, as new topics are; each matches one pattern of two kinds. */
const freshTopics = Array.from({ length: FRESH_TOPICS }, (_, index) => {
  const area = index % 333;
  const kind = (index * 7) % 333;
  return `area${area}.kind${kind}.n${index}`;
});

const fresh: readonly Candidate[] = [
  {
    name: "core-bus",
    make(tally, rotation): Subject {
      const bus = busWithPatterns(tally, rotation);
      let turn = 0;
      return {
        run(operations): void {
          for (let done = 0; done < operations; done += 1) {
            bus.publishSync(freshTopics[turn]!, PAYLOAD);
            turn = turn + 1 === freshTopics.length ? 0 : turn + 1;
          }
        },
      };
    },
  },
  {
    name: "eventemitter2",
    note: "`wildcard: true`",
    make(tally, rotation): Subject {
      const emitter = emitterWithPatterns(tally, rotation);
      let turn = 0;
      return {
        run(operations): void {
          for (let done = 0; done < operations; done += 1) {
            emitter.emit(freshTopics[turn]!, PAYLOAD);
            turn = turn + 1 === freshTopics.length ? 0 : turn + 1;
          }
        },
      };
    },
  },
];

const churn: readonly Candidate[] = [
  {
    name: "core-bus",
    make(tally, rotation): Subject {
      const bus = busWithPatterns(tally, rotation);
      const [handler] = some(syncLiterals.event, 1, tally, rotation);
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            const end = bus.subscribe("visitor.*.done", handler as (event: unknown) => unknown);
            for (let publish = 0; publish < PUBLISHES; publish += 1) {
              bus.publishSync(hotTopics[turn]!, PAYLOAD);
              turn = turn + 1 === hotTopics.length ? 0 : turn + 1;
            }
            end();
          }
        },
      };
    },
  },
  {
    name: "eventemitter2",
    note: "`wildcard: true`",
    make(tally, rotation): Subject {
      const emitter = emitterWithPatterns(tally, rotation);
      const [handler] = some(syncLiterals.payload, 1, tally, rotation);
      return {
        run(operations): void {
          for (let done = 0, turn = 0; done < operations; done += 1) {
            emitter.on("visitor.*.done", handler!);
            for (let publish = 0; publish < PUBLISHES; publish += 1) {
              emitter.emit(hotTopics[turn]!, PAYLOAD);
              turn = turn + 1 === hotTopics.length ? 0 : turn + 1;
            }
            emitter.off("visitor.*.done", handler!);
          }
        },
      };
    },
  },
];

/** An operation delivers nothing by itself: a publish after all of them stands for their deliveries. */
function amongOthers(count: number): Candidate {
  return {
    name: `${count.toLocaleString("en")} patterns`,
    make(tally, rotation): Subject {
      const bus = createEventBus({ history: false });
      const [handler, probe] = some(syncLiterals.event, 2, tally, rotation);
      for (let index = 0; index < count; index += 1) {
        bus.subscribe(`other${index}.*.done`, handler as (event: unknown) => unknown);
      }
      return {
        run(operations): void {
          for (let done = 0; done < operations; done += 1) {
            bus.subscribe("visitor.*.done", probe as (event: unknown) => unknown)();
          }
          // It must find one subscription, neither none nor those before it.
          const end = bus.subscribe("visitor.*.done", probe as (event: unknown) => unknown);
          bus.publishSync("visitor.now.done", { value: operations });
          end();
        },
      };
    },
  };
}

/** Subscriptions of patterns. */
export const patternScenarios: readonly TimedScenario[] = [
  {
    kind: "time",
    id: "patterns-hot",
    title: "1,000 patterns, hot topics",
    operation: "One publish to one of 100 topics, each matched by three of 1,000 patterns.",
    deliveries: MATCHES,
    base: "core-bus, exact",
    candidates: hot,
    targets: [
      { candidate: "core-bus", base: "core-bus, exact", atLeast: 1 / 1.2, limited: false },
      { candidate: "core-bus", base: "eventemitter2", atLeast: 8 },
    ],
  },
  {
    kind: "time",
    id: "patterns-fresh",
    title: "1,000 patterns, every topic new",
    operation: "One publish to a topic that no cache holds, matched by two of 1,000 patterns.",
    deliveries: 2,
    base: "eventemitter2",
    candidates: fresh,
    targets: [{ candidate: "core-bus", base: "eventemitter2", atLeast: 1 }],
    notes: () => {
      const { wrong, pairs } = wrongAnswersOf(eventemitter2Matcher);
      return [
        `eventemitter2 answers ${wrong.toLocaleString("en")} of ${pairs.toLocaleString("en")} pairs of ` +
          "pattern and topic wrongly (patterns up to four segments over a, b, *, **; topics up to five " +
          "over a, b). The patterns timed here are among those that it answers rightly.",
      ];
    },
  },
  {
    kind: "time",
    id: "patterns-churn",
    title: "10 publishes and one pattern subscribed and removed, 1,000 patterns",
    operation: "A pattern is subscribed, ten hot topics are published, the pattern is removed.",
    deliveries: PUBLISHES * MATCHES,
    base: "eventemitter2",
    candidates: churn,
    targets: [{ candidate: "core-bus", base: "eventemitter2", atLeast: 25 }],
  },
  {
    kind: "time",
    id: "subscribe",
    title: "subscribe and unsubscribe a pattern next to 10 and 10,000 others",
    operation: "A pattern is subscribed and removed.",
    deliveries: 1,
    base: "10 patterns",
    candidates: [amongOthers(10), amongOthers(10_000)],
    targets: [{ candidate: "10,000 patterns", base: "10 patterns", atLeast: 0.5 }],
  },
];
