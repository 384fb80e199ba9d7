import type { Action, Scenario, Step } from "./scenario.ts";

/** A scenario for people, one line a part. */
export function describeScenario(scenario: Scenario): string {
  const { nodes, subscribers, work, steps, faults, schedule } = scenario;
  return [
    `schedule ${schedule}; faults per thousand calls: ${fields({ ...faults })}`,
    ...nodes.map(({ name, isNamed, queue, bridge }) => {
      const joined = bridge ? `, bridge ${bridge.name} to ${bridge.to.join(" and ")}` : "";
      return `node ${name}${isNamed ? "" : ", unnamed,"} on queue ${queue}${joined}`;
    }),
    ...subscribers.map(({ name, node, topic, actions }) => {
      return `subscriber ${name} of ${topic} on ${node}: ${actions.map(action).join(", ")}`;
    }),
    ...work.map(({ attempts, ...plan }) => {
      const done = attempts.map((actions) => actions.map(action).join(", ")).join(" | ");
      return `work ${fields(plan)}: ${done}`;
    }),
    ...steps.map(step),
  ].join("\n");
}

function action(one: Action): string {
  return one.do === "publish"
    ? `publish ${one.topic} by ${one.via} as ${one.label}${one.isAwaited ? "" : ", not awaited"}${one.key === undefined ? "" : ` (${one.key})`}`
    : fields(one);
}

function step({ waitMs, ...rest }: Step): string {
  return `${String(waitMs).padStart(6)} ms later: ${fields(rest)}`;
}

function fields(of: object): string {
  return Object.entries(of)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => (name === "do" ? String(value) : `${name} ${String(value)}`))
    .join(" ");
}
