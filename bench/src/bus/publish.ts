import type { Candidate, TimedScenario } from "../runner/scenario.ts";
import { coreBus, eventemitter3, type ExactSetup, limit, peers } from "./emitters.ts";
import { arrowLiterals, variedLiterals } from "./handlers.ts";
import { literalTopics } from "./topics.ts";

const HISTORY = 1000;
const one: ExactSetup = { topics: ["training.completed"], handlers: 1 };
const ten: ExactSetup = { topics: ["training.completed"], handlers: 10 };
const tenArrows: ExactSetup = { ...ten, literals: arrowLiterals };
const hundred: ExactSetup = {
  topics: literalTopics(100, (index) => `area${index}.kind${index}.done`),
  handlers: 1,
};

const kinds = variedLiterals.payload.length;
const variedTopics = literalTopics(kinds, (index) => `varied.kind${index}`);
/** The emitters' code has called functions of all kinds, alone and among others, before it is timed. */
const rehearsal: readonly Candidate[] = [
  { topics: variedTopics, handlers: 1, literals: variedLiterals },
  { topics: ["varied.all"], handlers: kinds, literals: variedLiterals },
].flatMap((setup) => everyone(setup));

function everyone(setup: ExactSetup): Candidate[] {
  return [eventemitter3(setup), coreBus(setup, HISTORY), limit(setup, HISTORY), ...peers(setup)];
}

/** `publishSync` to subscriptions of exact topics. */
export const publishScenarios: readonly TimedScenario[] = [
  {
    kind: "time",
    id: "publish-1",
    title: "publishSync, 1 handler, history off",
    operation: "One publish to one synchronous handler.",
    deliveries: 1,
    base: "eventemitter3",
    rehearsal,
    candidates: [eventemitter3(one), coreBus(one, false), limit(one, 0), ...peers(one)],
    targets: [{ candidate: "core-bus", base: "eventemitter3", atLeast: 0.6 }],
  },
  {
    kind: "time",
    id: "publish-1-history",
    title: "publishSync, 1 handler, history on",
    operation: `One publish to one synchronous handler; the newest ${HISTORY} events are kept.`,
    deliveries: 1,
    base: "eventemitter3",
    rehearsal,
    candidates: [eventemitter3(one), coreBus(one, HISTORY), limit(one, HISTORY)],
    targets: [{ candidate: "core-bus", base: "eventemitter3", atLeast: 0.45 }],
  },
  {
    kind: "time",
    id: "publish-10",
    title: "publishSync, 10 handlers",
    operation: "One publish to ten synchronous handlers.",
    deliveries: 10,
    base: "eventemitter3",
    rehearsal,
    candidates: everyone(ten),
    targets: [{ candidate: "core-bus", base: "eventemitter3", atLeast: 1.4 }],
  },
  {
    kind: "time",
    id: "publish-10-arrows",
    title: "publishSync, 10 handlers, arrow functions only",
    operation: "One publish to ten synchronous arrow functions, and no handler of another kind.",
    deliveries: 10,
    base: "eventemitter3",
    candidates: everyone(tenArrows),
    targets: [],
  },
  {
    kind: "time",
    id: "topics-100",
    title: "publishSync, 100 topics in turn",
    operation: "One publish to one of 100 topics, a handler each.",
    deliveries: 1,
    base: "eventemitter3",
    rehearsal,
    candidates: everyone(hundred),
    targets: [{ candidate: "core-bus", base: "eventemitter3", atLeast: 0.9 }],
  },
];
