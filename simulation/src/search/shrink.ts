import type { Action, Scenario } from "../scenario/scenario.ts";
import { tryScenario, type Verdict } from "./try-scenario.ts";

/** Schedules that are tried for each smaller scenario: what is left out changes all that follows. */
const SCHEDULES = 4;

/**
 * Makes a scenario smaller as long as `isSame` says that it fails in the same way.
 * Greedy: leaves out what it can, again and again, until nothing can be left out, or `mostRuns` are over.
 */
export async function shrink(
  first: Verdict,
  isSame: (verdict: Verdict) => boolean,
  mostRuns: number = 3_000,
): Promise<Verdict> {
  let smallest = first;
  let runs = 0;
  for (let isSmaller = true; isSmaller && runs < mostRuns;) {
    isSmaller = false;
    for (const candidate of smallerThan(smallest.scenario)) {
      const verdict = await failing(candidate, isSame);
      runs += SCHEDULES;
      if (runs >= mostRuns) break;
      if (!verdict) continue;
      smallest = verdict;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

async function failing(
  scenario: Scenario,
  isSame: (verdict: Verdict) => boolean,
): Promise<Verdict | undefined> {
  for (let other = 0; other < SCHEDULES; other += 1) {
    const verdict = await tryScenario({ ...scenario, schedule: scenario.schedule + other });
    if (isSame(verdict)) return verdict;
  }
  return undefined;
}

/** Scenarios with something left out, the largest parts first. */
function* smallerThan(scenario: Scenario): Generator<Scenario> {
  const { steps, nodes, subscribers, work, faults } = scenario;
  for (let size = Math.ceil(steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < steps.length; from += size) {
      yield { ...scenario, steps: steps.toSpliced(from, size) };
    }
  }
  for (const { name } of nodes) yield withoutNode(scenario, name);
  for (const [index, node] of nodes.entries()) {
    if (!node.bridge) continue;
    yield { ...scenario, nodes: nodes.with(index, { ...node, bridge: undefined }) };
  }
  for (const index of subscribers.keys()) {
    yield { ...scenario, subscribers: subscribers.toSpliced(index, 1) };
  }
  for (const index of work.keys()) yield { ...scenario, work: work.toSpliced(index, 1) };
  for (const fault of ["lost", "refused", "slow"] as const) {
    if (faults[fault] > 0) yield { ...scenario, faults: { ...faults, [fault]: 0 } };
  }
  yield* simplerSteps(scenario);
  yield* simplerHandlers(scenario);
}

function withoutNode(scenario: Scenario, name: string): Scenario {
  return {
    ...scenario,
    nodes: scenario.nodes.filter((node) => node.name !== name),
    subscribers: scenario.subscribers.filter(({ node }) => node !== name),
    work: scenario.work
      .map((plan) => ({ ...plan, nodes: plan.nodes.filter((node) => node !== name) }))
      .filter(({ nodes }) => nodes.length > 0),
    steps: scenario.steps.filter(({ node }) => node !== name),
  };
}

function* simplerSteps(scenario: Scenario): Generator<Scenario> {
  const { steps } = scenario;
  for (const [index, step] of steps.entries()) {
    if (step.do === "publish" && step.count > 1) {
      const count = Math.floor(step.count / 2);
      yield { ...scenario, steps: steps.with(index, { ...step, count }) };
    }
    if (step.do === "publish" && step.key !== undefined) {
      yield { ...scenario, steps: steps.with(index, { ...step, key: undefined }) };
    }
    if (step.do === "crash" && step.afterTasks > 0) {
      // At once, if that will do: then it needs none of the steps after it.
      for (const afterTasks of new Set([0, Math.floor(step.afterTasks / 2)])) {
        yield { ...scenario, steps: steps.with(index, { ...step, afterTasks }) };
      }
      // A little later, and in the middle of nothing.
      const later = { ...step, afterTasks: 0, waitMs: step.waitMs + 10 };
      yield { ...scenario, steps: steps.with(index, later) };
    }
    if (step.waitMs > 0) {
      const waitMs = step.waitMs > 10 ? 10 : 0;
      yield { ...scenario, steps: steps.with(index, { ...step, waitMs }) };
    }
  }
}

function* simplerHandlers(scenario: Scenario): Generator<Scenario> {
  const { subscribers, work } = scenario;
  for (const [index, plan] of subscribers.entries()) {
    for (const actions of fewer(plan.actions)) {
      yield { ...scenario, subscribers: subscribers.with(index, { ...plan, actions }) };
    }
  }
  for (const [index, plan] of work.entries()) {
    for (const [attempt, planned] of plan.attempts.entries()) {
      for (const actions of fewer(planned)) {
        const attempts = plan.attempts.with(attempt, actions);
        yield { ...scenario, work: work.with(index, { ...plan, attempts }) };
      }
    }
    if (plan.attempts.length > 1) {
      const attempts = plan.attempts.slice(1);
      yield { ...scenario, work: work.with(index, { ...plan, attempts }) };
    }
    for (const at of plan.topics.length > 1 ? plan.topics.keys() : []) {
      const topics = plan.topics.toSpliced(at, 1);
      yield { ...scenario, work: work.with(index, { ...plan, topics }) };
    }
  }
}

function fewer(actions: readonly Action[]): Action[][] {
  return Array.from(actions.keys(), (index) => actions.toSpliced(index, 1));
}
